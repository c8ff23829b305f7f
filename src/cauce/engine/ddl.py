"""Schemas as DDL text: the spelling Sail takes without leaving metadata on nested fields."""

from pyspark.sql.types import ArrayType, DataType, MapType, StructType

__all__ = ["ddl_text"]


def ddl_text(schema: StructType) -> str:
    """`` `a` BIGINT, `b` STRUCT<`c`: STRING> ``, without nullability, which data may always need."""
    return ", ".join(f"{_quoted(field.name)} {_type_text(field.dataType)}" for field in schema.fields)


def _type_text(kind: DataType) -> str:
    match kind:
        case StructType():
            inner = ", ".join(f"{_quoted(f.name)}: {_type_text(f.dataType)}" for f in kind.fields)
            return f"STRUCT<{inner}>"
        case ArrayType():
            return f"ARRAY<{_type_text(kind.elementType)}>"
        case MapType():
            return f"MAP<{_type_text(kind.keyType)}, {_type_text(kind.valueType)}>"
        case _:
            return kind.simpleString().upper()


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
