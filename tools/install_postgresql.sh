#!/usr/bin/env bash
# Installs PostgreSQL's server for make integration; nothing is started and no system cluster is made.
set -euo pipefail

if command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    printf 'PostgreSQL (initdb, pg_ctl, postgres) is needed for make integration.\n' >&2
    printf 'On Debian or Ubuntu: sudo apt-get install postgresql      On macOS: brew install postgresql\n' >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/postgresql-common
printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
apt-get update -qq
apt-get install -y -qq --no-install-recommends postgresql
