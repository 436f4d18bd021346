#!/usr/bin/env bash
# Fetches the jars of a one-node Kafka into deploy/local/kafka/lib; does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")"

if [ -e kafka/complete ]; then exit 0; fi
command -v mvn >/dev/null || { echo 'Kafka jars cannot be fetched: mvn is missing' >&2; exit 1; }
rm -rf kafka
mvn --batch-mode --quiet -f kafka-pom.xml dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$PWD/kafka/lib"
# Written last: an interrupted fetch is done again.
touch kafka/complete
