#!/usr/bin/env bash
# Usage: libtorch-cpu.sh DEST
#
# Makes in DEST a libtorch for the CPU, of the version that the tch crate wants, out of PyPI's torch wheel
# for Linux x86_64. Needs pip, a C compiler and binutils. Does nothing if DEST has that version already.
#
# That wheel is built for CUDA. Of its libraries only libtorch_cpu, libc10 and libgomp are kept. libtorch_cpu
# names CUDA's runtime and profiler, which are never called where there is no GPU: small libraries in which
# every call fails take their places. For a GPU use a whole libtorch instead: LIBTORCH=/path/to/libtorch.
set -euo pipefail

readonly VERSION=2.13.0
readonly PYTHON=${PYTHON:-python3}

dest=${1:?usage: libtorch-cpu.sh DEST}
if [[ $(cat "$dest/build-version" 2>/dev/null) == "$VERSION" ]]; then
  echo "libtorch $VERSION is in $dest"
  exit 0
fi
for tool in "$PYTHON" cc readelf nm strip; do
  command -v "$tool" >/dev/null || { echo "libtorch-cpu.sh needs $tool" >&2; exit 1; }
done

# All is made beside DEST and takes its name when it is whole.
mkdir -p "$(dirname "$dest")"
work=$(mktemp -d "$(dirname "$dest")/.libtorch-XXXXXX")
trap 'rm -rf "$work"' EXIT
lib=$work/libtorch/lib

"$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
  --platform manylinux_2_28_x86_64 --python-version 3.11 --dest "$work" "torch==$VERSION"

"$PYTHON" - "$work"/torch-*.whl "$work/libtorch" <<'PYTHON'
import pathlib, shutil, sys, zipfile

wheel, dest = sys.argv[1], pathlib.Path(sys.argv[2])
libraries = {"torch/lib/libtorch_cpu.so", "torch/lib/libc10.so", "torch/lib/libgomp.so.1"}
with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        wanted = member.filename in libraries or member.filename.startswith("torch/include/")
        if wanted and not member.is_dir():
            path = dest / pathlib.PurePosixPath(member.filename).relative_to("torch")
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
PYTHON

# failing_library NAME: a library of that name with every function that libtorch_cpu wants of it. A CUDA
# function that fails returns other than 0; 999 is "unknown error".
failing_library() {
  nm --dynamic --undefined-only "$lib/libtorch_cpu.so" |
    awk -v library="$1" '{ split($NF, part, "@"); if (part[2] == library) print "int " part[1] "(void) { return 999; }" }' \
      >"$work/stand-in.c"
  echo "$1 { global: *; };" >"$work/stand-in.map"
  cc -shared -fPIC -o "$lib/$1" -Wl,-soname,"$1" -Wl,--version-script="$work/stand-in.map" "$work/stand-in.c"
}
readelf --dynamic "$lib/libtorch_cpu.so" | grep -o 'libcu[a-z]*\.so\.[0-9]*' | sort -u | while read -r name; do
  failing_library "$name"
done

# The build links libtorch too; the wheel's own would want all of CUDA.
cc -shared -o "$lib/libtorch.so" -Wl,-soname,libtorch.so -x c /dev/null
strip --strip-unneeded "$lib/libtorch_cpu.so" "$lib/libc10.so"
echo "$VERSION" >"$work/libtorch/build-version"

rm -rf "$dest"
mv "$work/libtorch" "$dest"
echo "libtorch $VERSION has been put into $dest"
