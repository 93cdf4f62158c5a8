package sched

import (
	"context"
	"testing"
)

// What a stream costs for each item that takes no time itself.
func BenchmarkStreamItem(b *testing.B) {
	for _, m := range []struct {
		name string
		opts []StreamOption
	}{
		{"ordered", nil},
		{"unordered", []StreamOption{Unordered()}},
		{"keyed", []StreamOption{Keyed(func(x int) int { return x & 1023 })}},
	} {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for _, err := range Stream(context.Background(), upTo(b.N), double, m.opts...) {
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("three stages", func(b *testing.B) {
		b.ReportAllocs()
		for _, err := range Then(Then(Stream(context.Background(), upTo(b.N), double), double), double) {
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stream of ten", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			for _, err := range Stream(context.Background(), upTo(10), double) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
