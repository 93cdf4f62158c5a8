// Treehash hashes every file of a directory tree, and writes the hashes, sorted by path, in the form that sha256sum -c reads.
// With -gz it also writes a compressed copy of each file.
//
//	treehash [-gz DIR] TREE > MANIFEST
//
// Files are read, hashed and compressed in tasks; the walk goes on meanwhile.
package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func main() {
	gz := flag.String("gz", "", "write compressed copies below `DIR`")
	serial := flag.Bool("serial", false, "use one core, for comparison")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	begin := time.Now()
	if *serial {
		ctx = sched.With(ctx, sched.Sequential())
	}
	sums, err := hashTree(ctx, flag.Arg(0), *gz)
	if err == nil {
		err = writeManifest(os.Stdout, sums)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "treehash:", err)
		os.Exit(1)
	}
	var size, packed int64
	for _, s := range sums {
		size += s.size
		packed += s.packed
	}
	fmt.Fprintf(os.Stderr, "%d files, %d bytes, %d compressed, %v\n", len(sums), size, packed, time.Since(begin).Round(time.Millisecond))
}

// A sum is what the manifest says of a file, and how large it is.
type sum struct {
	path         string
	hash         [sha256.Size]byte
	size, packed int64
}

// hashTree returns the sums of all regular files below root, sorted by path.
func hashTree(ctx context.Context, root, gz string) (sums []sum, err error) {
	hash := func(_ *sched.Task, path string) (sum, error) { return hashFile(root, path, gz) }
	for s, err := range sched.Stream2(ctx, walk(root), hash, sched.Unordered()) {
		if err != nil {
			return nil, err
		}
		sums = append(sums, s)
	}
	err = sched.SortFunc(ctx, sums, func(a, b sum) int { return cmp.Compare(a.path, b.path) })
	return sums, err
}

// walk yields the paths of all regular files below root.
func walk(root string) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !yield(path, nil) {
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			yield("", err)
		}
	}
}

// A compressor is some hundred kilobytes: worth keeping for the next file.
var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func hashFile(root, path, gz string) (s sum, failure error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	var to io.Writer = io.Discard
	if gz != "" {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return s, err
		}
		name := filepath.Join(gz, rel) + ".gz"
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return s, err
		}
		file, err := os.Create(name)
		if err != nil {
			return s, err
		}
		defer func() { failure = errors.Join(failure, file.Close()) }() // a copy is not whole before it is closed
		to = file
	}
	packed := &counter{w: to}
	z := compressors.Get().(*gzip.Writer)
	defer compressors.Put(z)
	z.Reset(packed)
	if _, err := z.Write(content); err != nil {
		return s, err
	}
	if err := z.Close(); err != nil {
		return s, err
	}
	return sum{path, sha256.Sum256(content), int64(len(content)), packed.n}, nil
}

// A counter counts what is written through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.w.Write(p)
}

func writeManifest(w io.Writer, sums []sum) error {
	b := bufio.NewWriter(w)
	for _, s := range sums {
		fmt.Fprintf(b, "%x  %s\n", s.hash, s.path)
	}
	return b.Flush()
}
