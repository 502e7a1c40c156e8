#!/bin/sh
# Checks that what is named is there; installs it with apt where that is possible, or says in one sentence what to run.
# Usage: prerequisites.sh [venv] [java] [mvn] [curl]
set -eu

python=${PYTHON:-python3}

missing() {
    case $1 in
        venv) ! "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 ;;
        java) ! command -v java >/dev/null 2>&1 ;;
        mvn) ! command -v mvn >/dev/null 2>&1 ;;
        curl) ! command -v curl >/dev/null 2>&1 ;;
    esac
}

package_of() {
    case $1 in
        venv) echo python3-venv ;;
        java) echo openjdk-17-jre-headless ;;
        mvn) echo maven ;;
        curl) echo curl ;;
        *) echo "prerequisites.sh: knows venv, java, mvn and curl, not '$1'" >&2; exit 2 ;;
    esac
}

for name in "$@"; do
    package=$(package_of "$name")
    missing "$name" || continue
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        echo "installing $package" >&2
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package" >/dev/null
    fi
    if missing "$name"; then
        echo "ccit needs $package (Python 3.11 or later, JDK 17, Maven): install it with 'sudo apt-get install $package'" >&2
        exit 1
    fi
done
