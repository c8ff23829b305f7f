#!/usr/bin/env bash
# The jars of a Kafka broker and of Spark's Kafka connector, from Maven Central, into build/jars.
set -euo pipefail
cd "$(dirname "$0")/.."

for list in kafka-broker spark-kafka; do
    .venv/bin/python tools/maven_jars.py "tools/jars/$list.txt" "build/jars/$list"
done
