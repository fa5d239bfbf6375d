#!/bin/bash
# Fetches programs for the end-to-end tests into a folder, and changes nothing else on the machine. Each part can run by itself
# and again: what is there is left alone.
#
#   install.sh debian HOME PACKAGE…   Debian packages of the newest suite, unpacked below HOME/root
#   install.sh own HOME PACKAGE…      the same from the machine's own suite, for programs that need its C library
#   install.sh buildx HOME VERSION    buildx from its Go module, into HOME/docker/cli-plugins
#   install.sh buildkit HOME VERSION  buildkitd and buildctl from their Go module, into HOME/bin
#   install.sh act HOME VERSION       act from its Go module, into HOME/bin
#   install.sh actionlint HOME VERSION  the same for actionlint
#   install.sh zizmor HOME VERSION    zizmor from its Python package, into HOME/bin
#   install.sh sigstore HOME          Fulcio, a CT log, Rekor v2 and a timestamp authority from their Go modules, into HOME/bin
#   install.sh regclient HOME VERSION  regctl, regbot and regsync from their Go module, into HOME/bin
#   install.sh cosign-kms HOME VERSION  cosign from its Go module, with all key management services, into HOME/bin/cosign-kms
#   install.sh gh HOME VERSION        gh from its Go module, into HOME/bin
#   install.sh referrers-registry HOME  the registry of the folder of that name, into HOME/bin
#   install.sh grafana-schema HOME    the same for the check of dashboards
#   install.sh terraform-schema HOME  the same for a provider of Terraform that knows the arguments of real ones
#   install.sh compile HOME           the program that the benchmark's builds run, for amd64 and arm64, into HOME/bin
#   install.sh opentofu HOME VERSION  OpenTofu from its Go module, into HOME/bin: 10 to 15 minutes of one processor
set -euo pipefail
part=${1:?part} home=${2:?folder} script=$(realpath "$0")
shift 2
mkdir -p "$home/bin" "$home/docker/cli-plugins" "$home/root"
home=$(realpath "$home")

. "$(dirname "$script")/retried.sh"

# The mirror that the machine is configured with, in either of apt's two notations.
mirror() {
  { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } |
    sed -nE 's#^(URIs:|deb( \[[^]]*\])?) +(https?://[^ ]+/debian)/?( .*)?$#\3#p' | head -n 1
}

# apt with lists, cache and sources of its own: the machine's are neither read nor written.
apt_apart() {
  local apart=$1
  shift
  apt-get -qq -o "Dir::Etc::SourceList=$apart/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apart/lists" \
    -o "Dir::Cache=$apart/cache" -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User=root -o Acquire::Retries=3 "$@"
}

packages() {
  local suite=$1 apart=$home/apt/$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg from wanted=()
  shift
  from=$(mirror)
  mkdir -p "$apart/lists/partial" "$apart/cache/archives/partial" "$apart/unpacked"
  echo "deb $([ -f $keyring ] && echo "[signed-by=$keyring] ")${from:?no Debian mirror is configured in /etc/apt} $suite main" >"$apart/sources.list"
  # Parts run side by side.
  exec 9>"$apart/lock"
  flock 9
  for each in "$@"; do [ -f "$apart/unpacked/$each" ] || wanted+=("$each"); done
  [ ${#wanted[@]} -gt 0 ] || { exec 9>&-; return 0; }
  retried apt_apart "$apart" update
  rm -rf "$apart/debs" && mkdir -p "$apart/debs" && cd "$apart/debs"
  retried apt_apart "$apart" download "${wanted[@]}"
  for each in *.deb; do
    dpkg -x "$each" "$home/root"
    touch "$apart/unpacked/${each%%_*}"
  done
  cd "$home" && rm -rf "$apart/debs"
  exec 9>&-
}

# Modules whose go.mod has `exclude` lines cannot be installed by name, but as tools of another module.
tool() {
  local version=$1 into=$2 variable=$3 module
  shift 3
  module=$home/go/$(basename "$into")-$(basename "$1")
  mkdir -p "$module" "$into"
  cd "$module"
  [ -f go.mod ] || go mod init e2e >/dev/null 2>&1
  # Its hundreds of lines about modules are only of use when it fails.
  retried go get -tool "${@/%/@$version}" 2>get.log || { tail -n 20 get.log >&2; return 1; }
  go build -trimpath -ldflags "-s -w -X $variable=$version" -o "$into/" "$@"
}

# One program by the name of its Go module. Its log is only of use when it fails.
program() {
  export GOBIN=$home/bin
  retried go install "$1@$2" 2>"$home/go.log" || { tail -n 20 "$home/go.log" >&2; return 1; }
}

case $part in
  debian) packages sid "$@" ;;
  own) packages "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$@" ;;
  buildx)
    tool "$1" "$home/go/out" github.com/docker/buildx/version.Version github.com/docker/buildx/cmd/buildx
    mv "$home/go/out/buildx" "$home/docker/cli-plugins/docker-buildx"
    ;;
  buildkit)
    tool "$1" "$home/go/buildkit" github.com/moby/buildkit/version.Version github.com/moby/buildkit/cmd/buildkitd github.com/moby/buildkit/cmd/buildctl
    mv "$home/go/buildkit/buildctl" "$home/go/buildkit/buildkitd" "$home/bin/"
    ;;
  act)
    program github.com/nektos/act "$1"
    ;;
  regclient)
    program github.com/regclient/regclient/cmd/regctl "$1"
    program github.com/regclient/regclient/cmd/regbot "$1"
    program github.com/regclient/regclient/cmd/regsync "$1"
    ;;
  actionlint)
    program github.com/rhysd/actionlint/cmd/actionlint "$1"
    ;;
  sigstore)
    # The newest that build with Go 1.26. Two of them are called posix, for the way in which they store.
    program github.com/transparency-dev/tesseract/cmd/tesseract/posix v0.1.1
    mv "$home/bin/posix" "$home/bin/tesseract"
    program github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix v2.3.0
    mv "$home/bin/posix" "$home/bin/rekor-tiles"
    # Its metrics have the fixed port 2112, so only one could run at a time: here they get a free port of this machine.
    retried go mod download github.com/sigstore/timestamp-authority/v2@v2.1.3
    rm -rf "$home/go/timestamp-authority"
    cp -r "$(go env GOMODCACHE)/github.com/sigstore/timestamp-authority/v2@v2.1.3" "$home/go/timestamp-authority"
    chmod -R u+w "$home/go/timestamp-authority"
    cd "$home/go/timestamp-authority"
    grep -q '":2112"' pkg/server/prometheus.go
    sed -i 's/":2112"/"127.0.0.1:0"/' pkg/server/prometheus.go
    retried go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$home/bin/timestamp-server" ./cmd/timestamp-server
    program github.com/sigstore/fulcio v1.8.8
    ;;
  cosign-kms)
    # Debian builds it without most of them.
    GOBIN=$home/go/cosign-kms retried go install -ldflags '-s -w' "github.com/sigstore/cosign/v3/cmd/cosign@$1" 2>"$home/go.log" || { tail -n 20 "$home/go.log" >&2; exit 1; }
    mv "$home/go/cosign-kms/cosign" "$home/bin/cosign-kms"
    ;;
  gh)
    tool "$1" "$home/bin" github.com/cli/cli/v2/internal/build.Version github.com/cli/cli/v2/cmd/gh
    ;;
  zizmor)
    # The package is one program that needs nothing else of Python.
    retried python3 -m pip install --quiet --no-deps --only-binary :all: --upgrade --target "$home/zizmor" "zizmor==$1"
    ln -sf ../zizmor/bin/zizmor "$home/bin/zizmor"
    ;;
  opentofu)
    module=$home/go/opentofu
    mkdir -p "$module"
    cd "$module"
    [ -f go.mod ] || go mod init e2e >/dev/null 2>&1
    # Its own fork of a library, which its go.mod names in a line that counts only there.
    go mod edit -replace github.com/hashicorp/hcl/v2@v2.20.1=github.com/opentofu/hcl/v2@v2.20.2-0.20251021132045-587d123c2828
    retried go get -tool "github.com/opentofu/opentofu/cmd/tofu@$1" 2>get.log || { tail -n 20 get.log >&2; exit 1; }
    go build -mod=mod -trimpath -ldflags '-s -w' -o "$home/bin/tofu" github.com/opentofu/opentofu/cmd/tofu
    ;;
  referrers-registry | grafana-schema | terraform-schema)
    cd "$(dirname "$script")/$part"
    retried go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$home/bin/$part" .
    ;;
  compile)
    cd "$(dirname "$script")/../bench/compile"
    for arch in amd64 arm64; do
      CGO_ENABLED=0 GOARCH=$arch go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$home/bin/compile-$arch" .
    done
    ;;
  *) echo "unknown part $part" >&2; exit 2 ;;
esac
