//go:build !linux || pinwheel_portable

package affinity_test

import "fmt"

func childMain(do string) { panic(fmt.Sprintf("no child %q here", do)) }
