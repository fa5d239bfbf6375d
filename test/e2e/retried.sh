# Sourced by install scripts.

# A mirror or a proxy has a bad second now and then.
retried() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return
    sleep $((attempt * 3))
  done
  return 1
}
