// Logstat reads an access log of any size, in the common log format, and prints the paths that were asked for most often: the number
// of requests, the bytes that were sent, and the path.
//
//	logstat [-top 10] [-paths 1000000] [LOG] (or standard input)
//
// Tasks count the paths of a block of lines each, and the loop adds up their counts: there are never more than a few blocks in
// memory, however large the log. Beyond the given number of paths, new ones count as "(other)".
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"sync"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func main() {
	top := flag.Int("top", 10, "print the `N` most frequent paths")
	paths := flag.Int("paths", 1_000_000, "count no more than `N` different paths")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	log := os.Stdin
	if flag.NArg() > 0 {
		var err error
		log, err = os.Open(flag.Arg(0))
		exitOn(err)
	}
	counts := map[string]count{}
	exitOn(countLog(ctx, log, counts, *paths))
	exitOn(printTop(os.Stdout, counts, *top))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "logstat:", err)
		os.Exit(1)
	}
}

type count struct{ requests, bytes int64 }

// countLog adds what a log says to counts.
func countLog(ctx context.Context, log io.Reader, counts map[string]count, most int) error {
	for block, err := range sched.Stream2(ctx, blocks(log), countBlock) {
		if err != nil {
			return err
		}
		for path, c := range block {
			if _, known := counts[path]; !known && len(counts) >= most {
				path = "(other)"
			}
			sum := counts[path]
			counts[path] = count{sum.requests + c.requests, sum.bytes + c.bytes}
		}
	}
	return nil
}

const blockSize = 1 << 18

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, blockSize); return &b }}

// blocks yields the log in blocks of whole lines. Who gets a block gives it back to buffers.
func blocks(log io.Reader) func(yield func(*[]byte, error) bool) {
	return func(yield func(*[]byte, error) bool) {
		var rest []byte // the beginning of a line
		for {
			p := buffers.Get().(*[]byte)
			b := append((*p)[:0], rest...)
			if len(b) == cap(b) { // a line as long as a block
				b = slices.Grow(b, len(b))
			}
			n, err := io.ReadFull(log, b[len(b):cap(b)])
			b = b[:len(b)+n]
			end := bytes.LastIndexByte(b, '\n') + 1
			if err != nil {
				end = len(b) // the last line may have no end
			}
			rest = append(rest[:0], b[end:]...)
			if *p = b[:end]; !yield(p, nil) || err == io.EOF || err == io.ErrUnexpectedEOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// countBlock counts the paths in a block.
func countBlock(_ *sched.Task, block *[]byte) (map[string]*count, error) {
	counts := map[string]*count{}
	for line := range bytes.Lines(*block) {
		if path, size, ok := parse(line); ok {
			c := counts[string(path)] // without an allocation
			if c == nil {
				c = &count{}
				counts[string(path)] = c
			}
			c.requests++
			c.bytes += size
		}
	}
	buffers.Put(block)
	return counts, nil
}

// parse finds the path and the size in a line:
//
//	127.0.0.1 - ann [10/Oct/2000:13:55:36 -0700] "GET /index.html HTTP/1.0" 200 2326
func parse(line []byte) (path []byte, size int64, ok bool) {
	_, request, ok := bytes.Cut(line, []byte(` "`))
	if !ok {
		return nil, 0, false
	}
	request, result, ok := bytes.Cut(request, []byte(`" `))
	_, path, ok2 := bytes.Cut(request, []byte(" "))
	path, _, _ = bytes.Cut(path, []byte(" "))
	_, digits, ok3 := bytes.Cut(result, []byte(" "))
	for i := 0; i < len(digits) && '0' <= digits[i] && digits[i] <= '9'; i++ { // there may be a sign for none
		size = 10*size + int64(digits[i]-'0')
	}
	return path, size, ok && ok2 && ok3
}

func printTop(w io.Writer, counts map[string]count, top int) error {
	paths := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b].requests, counts[a].requests), cmp.Compare(a, b))
	})
	b := bufio.NewWriter(w)
	for _, path := range paths[:min(max(top, 0), len(paths))] {
		fmt.Fprintln(b, counts[path].requests, counts[path].bytes, path)
	}
	return b.Flush()
}
