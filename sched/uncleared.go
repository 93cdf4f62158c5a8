package sched

import (
	"math"
	"reflect"
	"strings"
	"unsafe"
)

// unclearedBytes is from which size on results are made without being cleared.
const unclearedBytes = 256 << 10

// uncleared returns a slice whose elements have any values, for results of which each element is going to be set. To clear a large
// one takes a third of the time that two workers take to fill it, and one goroutine does it. The runtime leaves memory as it
// is for a [strings.Builder] alone; so this is one's, and nobody ever sees it as a string. Memory that may have pointers has to be
// cleared before the collector sees it, and is.
func uncleared[T any](n int) []T {
	var zero T
	size := int(unsafe.Sizeof(zero))
	if size == 0 || n > math.MaxInt/size || n*size < unclearedBytes || hasPointers(reflect.TypeFor[T]()) {
		return make([]T, n)
	}
	var b strings.Builder
	b.Grow(n * size) // as large as that, it begins with a page
	b.WriteByte(0)   // the address of an empty string is not specified
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.StringData(b.String()))), n)
}

// hasPointers reports whether values of the type contain any.
func hasPointers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return t.Len() > 0 && hasPointers(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if hasPointers(t.Field(i).Type) {
				return true
			}
		}
		return false
	default:
		return t.Kind() < reflect.Bool || t.Kind() > reflect.Complex128
	}
}
