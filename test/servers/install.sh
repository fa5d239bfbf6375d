#!/bin/bash
# Builds and installs registry servers for `npm run test:servers` into a folder, and changes nothing else on the machine. Each part
# can run by itself and again.
#
#   install.sh distribution HOME VERSION  registry from its Go module, into HOME/bin
#   install.sh gitea HOME VERSION         gitea from its Go module, into HOME/bin; its templates stay in Go's module cache
#   install.sh pulp HOME VERSION          the container plugin of Pulp from its Python package, into HOME/pulp-venv
set -euo pipefail
part=${1:?part} home=${2:?folder} version=${3:?version}
mkdir -p "$home/bin" "$home/go"
home=$(realpath "$home")

. "$(dirname "$(realpath "$0")")/../e2e/retried.sh"

# Hundreds of lines about modules are only of use after a failure.
quietly() {
  retried "$@" >"$home/go/get.log" 2>&1 || { tail -n 20 "$home/go/get.log" >&2; return 1; }
}

case $part in
  distribution)
    GOBIN=$home/bin quietly go install "github.com/distribution/distribution/v3/cmd/registry@v$version"
    ;;
  gitea)
    mkdir -p "$home/go/gitea"
    cd "$home/go/gitea"
    [ -f go.mod ] || go mod init servers >/dev/null 2>&1
    quietly go get -tool "code.gitea.io/gitea@v$version"
    # `replace` lines hold for the main module only, and Gitea does not compile without its own.
    module=$(go list -m -f '{{.Dir}}' code.gitea.io/gitea)
    sed -nE 's#^(replace)?[[:space:]]+([^ ]+) => ([^ ]+) ([^ ]+).*#-replace=\2=\3@\4#p' "$module/go.mod" | xargs go mod edit
    quietly go build -mod=mod -trimpath -ldflags '-s -w' -tags 'sqlite sqlite_unlock_notify' -o "$home/bin/gitea" code.gitea.io/gitea
    ;;
  pulp)
    python3 -m venv "$home/pulp-venv"
    # Some of what it needs has no wheel.
    retried "$home/pulp-venv/bin/python" -m pip install --quiet --disable-pip-version-check "pulp-container==$version" gunicorn
    ;;
  *) echo "unknown part $part" >&2; exit 2 ;;
esac
