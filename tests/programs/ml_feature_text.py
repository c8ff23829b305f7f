"""Words: tokenizers, stop words, n-grams, hashed and counted terms, inverse document frequencies."""

from pathlib import Path

from ml_answers import Cases, answers, people
from pyspark.ml.feature import (
    IDF,
    CountVectorizer,
    CountVectorizerModel,
    HashingTF,
    NGram,
    RegexTokenizer,
    StopWordsRemover,
    Tokenizer,
    Word2Vec,
)
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

TEXTS = [
    "Hi I heard about Spark",
    "  two  spaces\tand tab ",
    "",
    "ÉTÉ à la plage, ÇA va?",
    "a-b_c d.e",
    "İstanbul ΣΑΣ 日本 語",
]


def run(spark: SparkSession, directory: Path):
    return answers(
        {
            **splitting(spark),
            **stopping(spark),
            **terms(spark),
            **counting(spark),
            **weighing(spark),
            **meaning(spark),
        }
    )


def splitting(spark: SparkSession) -> Cases:
    frame = spark.createDataFrame([(i, t) for i, t in enumerate(TEXTS)], "id int, t string")
    nulls = spark.createDataFrame([(0, None)], "id int, t string")

    def tokens(source=frame, **options):
        return RegexTokenizer(inputCol="t", outputCol="out", **options).transform(source).select("out")

    words = Tokenizer(inputCol="t", outputCol="out")

    def grams(n):
        return NGram(inputCol="out", outputCol="grams", n=n).transform(words.transform(frame)).select("grams")

    return {
        "tokens": lambda: words.transform(frame),
        "tokens of null": lambda: words.transform(nulls).collect(),
        "tokens of number": lambda: Tokenizer(inputCol="x", outputCol="out").transform(people(spark)),
        "tokens missing": lambda: Tokenizer(inputCol="nope", outputCol="out").transform(frame),
        "tokens exist": lambda: Tokenizer(inputCol="t", outputCol="id").transform(frame),
        "regex": lambda: tokens(),
        "regex gaps": lambda: tokens(pattern="\\W"),
        "regex matches": lambda: tokens(pattern="\\w+", gaps=False),
        "regex case": lambda: tokens(pattern="[a-z]+", gaps=False, toLowercase=False),
        "regex long": lambda: tokens(minTokenLength=3),
        "regex empty kept": lambda: tokens(pattern=" ", minTokenLength=0),
        "regex of null": lambda: tokens(nulls).collect(),
        "grams": lambda: grams(2),
        "grams of 1": lambda: grams(1),
        "grams of 9": lambda: grams(9),
        "grams of 0": lambda: grams(0),
        "grams of numbers": lambda: NGram(inputCol="a", outputCol="o").transform(
            spark.sql("SELECT array(1, 2) a")
        ),
        "grams with null": lambda: NGram(inputCol="a", outputCol="o").transform(
            spark.sql("SELECT array('x', NULL, 'y') a")
        ),
        "grams of null": lambda: (
            NGram(inputCol="a", outputCol="o")
            .transform(spark.sql("SELECT CAST(NULL AS ARRAY<STRING>) a"))
            .collect()
        ),
    }


def stopping(spark: SparkSession) -> Cases:
    frame = spark.sql(
        "SELECT * FROM VALUES (1, array('I', 'saw', 'The', 'red', 'balloon')), "
        "(2, array('Mary', NULL, 'THE', 'i')), (3, array()), (4, NULL) t(id, w)"
    )
    some = frame.where("id <> 4")

    def removed(source=some, **options):
        return StopWordsRemover(inputCol="w", outputCol="out", **options).transform(source)

    many = some.selectExpr("id", "w", "w AS v")
    return {
        "stop": lambda: removed(),
        "stop case": lambda: removed(caseSensitive=True),
        "stop own": lambda: removed(stopWords=["RED", "saw"]),
        "stop own case": lambda: removed(stopWords=["RED", "saw"], caseSensitive=True),
        "stop null": lambda: removed(frame).collect(),
        "stop many": lambda: StopWordsRemover(
            inputCols=["w", "v"], outputCols=["a", "b"], stopWords=["red"]
        ).transform(many),
        "stop numbers": lambda: StopWordsRemover(inputCol="id", outputCol="out").transform(some),
        "stop exists": lambda: StopWordsRemover(inputCol="w", outputCol="id").transform(some),
        "stop words": lambda: [
            (language, len(words := StopWordsRemover.loadDefaultStopWords(language)), words[:3])
            for language in ("english", "french", "turkish", "russian", "spanish")
        ],
        "stop no language": lambda: StopWordsRemover.loadDefaultStopWords("klingon"),
        "stop wrong locale": lambda: removed(locale="nope"),
        "stop both forms": lambda: StopWordsRemover(
            inputCol="w", outputCol="a", inputCols=["w"], outputCols=["b"]
        ).transform(some),
    }


def terms(spark: SparkSession) -> Cases:
    frame = spark.sql(
        "SELECT * FROM VALUES (0, array('a', 'b', 'a', 'ñandú', '日本語', '')), (1, array()), "
        "(2, array('a', NULL)) t(id, w)"
    )
    kinds = spark.sql(
        "SELECT array(1, 2, -3) i, array(1L, 2L) l, array(1.5D, -0D, double('NaN')) d, array(float(2.5)) f, "
        "array(true, false) b, array(7Y) y, array(8S) s"
    )

    def hashed(column="w", **options):
        return HashingTF(inputCol=column, outputCol="out", **options)

    return {
        "hashed": lambda: hashed().transform(frame.where("id < 2")),
        "hashed null": lambda: hashed().transform(frame),
        "hashed small": lambda: hashed(numFeatures=3).transform(frame.where("id < 2")),
        "hashed binary": lambda: hashed(numFeatures=3, binary=True).transform(frame.where("id < 2")),
        **{
            f"hashed {name}": (lambda name=name: hashed(column=name).transform(kinds).select("out"))
            for name in "ildfbys"
        },
        "hashed string": lambda: hashed(column="who").transform(people(spark)),
        "hashed null list": lambda: (
            hashed().transform(spark.sql("SELECT CAST(NULL AS ARRAY<STRING>) w")).collect()
        ),
        "hashed long": lambda: (
            hashed()
            .transform(
                spark.sql("SELECT sequence(1, 40) n").selectExpr(
                    "transform(n, i -> concat('term', i, repeat('x', i % 5))) w"
                )
            )
            .select("out")
        ),
    }


def counting(spark: SparkSession) -> Cases:
    rows = [
        (0, ["a", "b", "c"]),
        (1, ["a", "b", "b", "c", "a"]),
        (2, []),
        (3, ["ñ", "a", "d", "d", "d", "d"]),
    ]
    frame = spark.createDataFrame(rows, "id int, w array<string>")
    new = spark.createDataFrame([(0, ["a", "zzz", "d", "d"])], "id int, w array<string>")

    def fitted(source=frame, **options):
        return CountVectorizer(inputCol="w", outputCol="out", **options).fit(source)

    def counted(**options):
        return sorted(fitted(**options).vocabulary)

    return {
        "counted": lambda: fitted(vocabSize=1).transform(frame),
        "counted ties": lambda: counted(),
        "counted most": lambda: fitted(vocabSize=2, minDF=2).vocabulary,
        "counted in 2": lambda: counted(minDF=2),
        "counted in a share": lambda: counted(minDF=0.5),
        "counted at most": lambda: counted(maxDF=1),
        "counted at most a share": lambda: counted(maxDF=0.5),
        "counted rare in a text": lambda: fitted(vocabSize=1, minTF=2).transform(frame),
        "counted share of a text": lambda: fitted(vocabSize=2, minDF=2, minTF=0.35).transform(frame),
        "counted binary": lambda: fitted(vocabSize=2, binary=True, minDF=2).transform(frame),
        "counted new": lambda: fitted(vocabSize=2, minDF=1.0).transform(new),
        "counted nothing": lambda: fitted(frame.limit(0)).vocabulary,
        "counted min over max": lambda: fitted(minDF=3, maxDF=2),
        "counted given": lambda: CountVectorizerModel.from_vocabulary(
            ["d", "a"], inputCol="w", outputCol="out"
        ).transform(frame),
        "counted given, sparse": lambda: CountVectorizerModel.from_vocabulary(
            list("defghi"), inputCol="w", outputCol="out", minTF=1.0
        ).transform(frame),
        "counted given none": lambda: CountVectorizerModel.from_vocabulary([], inputCol="w", outputCol="out"),
        "counted string": lambda: CountVectorizer(inputCol="who", outputCol="out").fit(people(spark)),
        "counted null": lambda: fitted(spark.sql("SELECT array('a', NULL) w")).vocabulary,
        "counted null list": lambda: fitted(spark.sql("SELECT CAST(NULL AS ARRAY<STRING>) w")).vocabulary,
    }


def weighing(spark: SparkSession) -> Cases:
    rows = [
        Vectors.dense(1.0, 2.0, 0.0),
        Vectors.dense(0.0, 1.0, 0.0),
        Vectors.sparse(3, [1], [3.0]),
        Vectors.sparse(3, [0, 2], [1.0, 0.0]),
    ]
    frame = spark.createDataFrame([(v,) for v in rows], ["v"])

    def fitted(source=frame, **options):
        return IDF(inputCol="v", outputCol="out", **options).fit(source)

    return {
        "weighed": lambda: fitted().transform(frame),
        "weighed model": lambda: [fitted().idf, fitted().docFreq, fitted().numDocs],
        "weighed in 2": lambda: [fitted(minDocFreq=2).idf, fitted(minDocFreq=2).docFreq],
        "weighed nothing": lambda: fitted(frame.limit(0)),
        "weighed number": lambda: IDF(inputCol="x", outputCol="out").fit(people(spark)),
        "weighed missing": lambda: IDF(inputCol="nope", outputCol="out").fit(frame),
    }


def meaning(spark: SparkSession) -> Cases:
    text = [["a", "b", "c", "a"], ["b", "a", "d"], ["a", "b"]] * 5
    frame = spark.createDataFrame([(words,) for words in text], "w array<string>").repartition(1)
    embed = Word2Vec(vectorSize=3, minCount=5, seed=1, inputCol="w", outputCol="out")

    def fitted():
        return embed.fit(frame)

    return {
        "meanings": lambda: sorted(row.word for row in fitted().getVectors().collect()),
        "meaning columns": lambda: [field.jsonValue() for field in fitted().getVectors().schema.fields],
        "meaning of unknown": lambda: (
            fitted()
            .transform(spark.sql("SELECT array('zzz') w UNION ALL SELECT array()"))
            .orderBy(F.size("w"))
        ),
        "meaning near": lambda: fitted().findSynonyms("a", 2).count(),
        "meaning of nobody": lambda: fitted().findSynonymsArray("zzz", 2),
        "meaning of nothing": lambda: Word2Vec(minCount=99, inputCol="w", outputCol="out").fit(frame),
        "meaning of string": lambda: Word2Vec(inputCol="who", outputCol="out").fit(people(spark)),
    }
