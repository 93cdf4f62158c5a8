package main

import "fmt"

// hint suggests the known name that is nearest to what was written, or says what else would help.
func hint(name string, known []string, otherwise string) string {
	best, distance := "", len(name)/3+2
	for _, k := range known {
		if d := editDistance(name, k); k != "" && d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %s? (%s)", best, otherwise)
}

// editDistance returns how many letters must be inserted, deleted or replaced to turn a into b (Levenshtein). It costs
// len(a)*len(b) steps.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1) // of the distances of a[:i] to each b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
