# Debian's packages, where something is missing. Sourced by what has say() and cannot().

as_root() {
  if ((EUID == 0)); then "$@"; else sudo -n "$@"; fi
}

# Refuses in words where it may not: before anything is changed.
may_install() {
  ((EUID == 0)) || sudo -n true 2>/dev/null \
    || cannot "$* is missing, and only root can install it: run \"apt-get install $*\" as root, then this again"
  command -v apt-get >/dev/null || cannot "$* is missing and there is no apt-get: install it, then run this again"
}

install_packages() {
  may_install "$@"
  say "installing $* (apt-get)"
  as_root apt-get update -qq || cannot 'apt-get update failed: is there a network?'
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Options::=--force-confold "$@" >&2 || cannot "$* could not be installed"
}
