#!/bin/sh
# Verifies the models in this directory with spin (a package of that name in most distributions), then breaks each of them in
# every way that it offers and verifies that this is noticed. A model that cannot fail proves nothing.
#
#	docs/models/check.sh [deque] [park]
#
# It takes one to two minutes and 1 GB of memory. Without spin or a C compiler it says so and succeeds.
set -eu

cd "$(dirname "$0")"
models=$PWD
for tool in spin gcc; do
	if ! command -v $tool >/dev/null; then
		echo "models: not checked, because there is no $tool here"
		exit 0
	fi
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

# The bounds of each model, a set of definitions to a line, the cheapest first. For a mutant they are tried in order until it
# is found; a harmless change has to hold within the first. Those that are too large, at a minute and 20 million states, are for mutants
# alone: without one they have been seen to hold once.
bounds() {
	case $1 in
	deque)
		echo "-DMOVES=3 -DTHIEVES=2 -DSTEALS=2"
		echo "-DMOVES=4 -DTHIEVES=2 -DSTEALS=2"
		;;
	park)
		echo "-DWORKERS=2 -DJOBS=2 -DCHILDREN=0 -DROUNDS=2 -DSPURIOUS=1"
		echo "-DWORKERS=2 -DJOBS=1 -DCHILDREN=1 -DROUNDS=2 -DSPURIOUS=1"
		echo "-DWORKERS=2 -DJOBS=2 -DCHILDREN=0 -DROUNDS=1 -DSPURIOUS=0 -DGUESTS=1"
		echo "-DWORKERS=3 -DJOBS=3 -DCHILDREN=0 -DROUNDS=1 -DSPURIOUS=0"
		echo "-DWORKERS=3 -DJOBS=1 -DCHILDREN=2 -DROUNDS=1 -DSPURIOUS=0"
		echo "-DWORKERS=2 -DJOBS=1 -DCHILDREN=0 -DROUNDS=1 -DSPURIOUS=0 -DGUESTS=2 -DTOO_LARGE"
		;;
	esac
}

# verify MODEL DEFINITIONS... explores all runs of the model. It sets wrong to what is wrong with one of them, and states to
# the number of states.
verify() {
	model=$1
	shift
	spin -a "$@" "$models/$model.pml" >result || { cat result >&2; exit 1; }
	gcc -O1 -w -DSAFETY -DCOLLAPSE -o pan pan.c
	./pan -m50000 >result 2>&1 || true
	states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' result)
	wrong=$(sed -n 's/^pan:1: //p' result)
	if [ -z "$wrong" ] && { ! grep -q 'errors: 0$' result || grep -q 'max search depth too small' result; }; then
		echo "models: $model $*: the search is not complete:" >&2
		cat result >&2
		exit 1
	fi
}

failed=0
report() {
	printf '%-6s %-44s %s\n' "$1" "$2" "$3"
}

for model in ${*:-deque park}; do
	bounds "$model" >"$model.bounds"
	while read -r definitions; do
		case $definitions in *TOO_LARGE) continue ;; esac
		verify "$model" $definitions
		if [ -z "$wrong" ]; then
			report "$model" holds "$states states, $definitions"
		else
			report "$model" FAILS "$definitions: $wrong"
			failed=1
		fi
	done <"$model.bounds"

	for change in $(grep -oE '(MUTANT|HARMLESS)_[A-Z_]*[A-Z]' "$models/$model.pml" | sort -u); do
		while read -r definitions; do
			verify "$model" "-D$change" $definitions
			case $change:$wrong in
			HARMLESS_*) break ;;
			MUTANT_*:) ;;
			MUTANT_*) break ;;
			esac
		done <"$model.bounds"
		case $change:$wrong in
		HARMLESS_*:) report "$model" "$change" "holds" ;;
		HARMLESS_*) report "$model" "$change" "FAILS: $wrong"; failed=1 ;;
		MUTANT_*:) report "$model" "$change" "IS NOT FOUND"; failed=1 ;;
		MUTANT_*) report "$model" "$change" "found: $wrong" ;;
		esac
	done
done
exit $failed
