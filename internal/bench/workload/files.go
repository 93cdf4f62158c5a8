package workload

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// files is the main job on real input: walk a tree, read each Go file, parse it, hash it and compress it, with the results
// in the order of the walk. The files differ in size by four orders of magnitude and the work on each is system calls,
// allocation and computing. Its answer is a hash over all results in their order.
var files = &bench.Workload{
	Name: "files", Doc: "walk a tree, read, parse, hash and compress its Go files, results in order",
	Size: "part of the input, . for all", Unit: "file", N: ".", SuiteN: "src/net", TestN: ".",
	Options: []bench.Option{{Name: "input", Doc: "directory to walk, instead of the Go tree of the toolchain"}},
	Prepare: prepareFiles,
}

func prepareFiles(p bench.Params) (bench.Build, error) {
	dir := p.Options["input"]
	if dir == "" {
		tree, err := goTree()
		if err != nil {
			return nil, err
		}
		dir = tree
	}
	if !filepath.IsLocal(p.N) {
		return nil, fmt.Errorf("--n %q: want a directory inside the input, such as src/net", p.N)
	}
	dir = filepath.Join(dir, p.N)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", dir)
	}
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir) // a walk would not follow its root
	}
	if err != nil {
		return nil, err
	}
	if !hasGoFiles(dir) {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	return func(ctx context.Context) (*bench.Job, error) { return filesJob(ctx, dir) }, nil
}

func filesJob(ctx context.Context, dir string) (*bench.Job, error) {
	// What the runs have to find.
	known, err := filesSerial(ctx, dir)
	if err != nil {
		return nil, err
	}
	body := func(process func(r *bench.Run) (*archive, error)) bench.Body {
		return func(r *bench.Run) (string, error) {
			if err := readAll(r.Context, dir); err != nil {
				return "", err
			}
			r.Start()
			a, err := process(r)
			if err != nil {
				return "", err
			}
			r.Stop()
			r.Metric("mb_per_s", float64(a.size)/1e6/r.Wall().Seconds())
			r.Metric("occupancy", a.took.Seconds()/(r.Wall().Seconds()*float64(r.Workers)))
			return a.String(), nil
		}
	}
	return &bench.Job{
		Tasks: int64(known.files),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel:   body(func(r *bench.Run) (*archive, error) { return filesPinwheel(r.Context, dir) }),
			bench.Goroutines: body(func(r *bench.Run) (*archive, error) { return filesGoroutines(r.Context, dir, r.Workers) }),
			bench.Serial:     body(func(r *bench.Run) (*archive, error) { return filesSerial(r.Context, dir) }),
		},
		Verify: bench.Answer(known.String()),
		Ideal:  true,
	}, nil
}

// hasGoFiles looks for the first file to work on.
func hasGoFiles(dir string) bool {
	found := false
	filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && isGoFile(e) {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// goTree returns the root of the Go tree.
func goTree() (string, error) {
	if dir := os.Getenv("GOROOT"); dir != "" {
		return dir, nil
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if dir := strings.TrimSpace(string(out)); err == nil && dir != "" {
		return dir, nil
	}
	return "", errors.New("there is no Go toolchain here whose tree could be walked; choose a tree with --input DIR")
}

// A digest is the result of one file.
type digest struct {
	sum        [sha256.Size]byte
	size       int // of the file
	compressed int
	nodes      int // of the syntax tree
	broken     bool
	took       time.Duration // not part of the answer
}

// digestOf does the work on one file. A file that does not parse is a result like any other: Go's own tree has some, for
// testing.
func digestOf(path string, read func(name string) ([]byte, error)) (digest, error) {
	begin := time.Now()
	src, err := read(path)
	if err != nil {
		return digest{}, err
	}
	d := digest{sum: sha256.Sum256(src), size: len(src), compressed: compressedSize(src)}
	tree, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ParseComments)
	d.broken = err != nil
	if tree != nil {
		ast.Inspect(tree, func(n ast.Node) bool {
			if n != nil {
				d.nodes++
			}
			return true
		})
	}
	d.took = time.Since(begin)
	return d, nil
}

// A compressor has a megabyte of tables, too much to make for each file.
type compressor struct {
	w   *flate.Writer
	out bytes.Buffer
}

var compressors = sync.Pool{New: func() any {
	c := &compressor{}
	c.w, _ = flate.NewWriter(&c.out, flate.DefaultCompression) // the level is valid
	return c
}}

func compressedSize(src []byte) int {
	c := compressors.Get().(*compressor)
	defer compressors.Put(c)
	c.out.Reset()
	c.w.Reset(&c.out)
	c.w.Write(src) // to memory: there is no error
	c.w.Close()
	return c.out.Len()
}

// isGoFile says whether a directory entry is one to work on. Links are not followed.
func isGoFile(e fs.DirEntry) bool {
	return e.Type().IsRegular() && filepath.Ext(e.Name()) == ".go"
}

// An archive takes the results in order.
type archive struct {
	files, size int
	took        time.Duration // by all files together: the time that workers had a file in hand
	sum         hash.Hash
}

func newArchive() *archive { return &archive{sum: sha256.New()} }

func (a *archive) add(d digest) {
	a.files++
	a.size += d.size
	a.took += d.took
	a.sum.Write(d.sum[:])
	var b [25]byte
	binary.BigEndian.PutUint64(b[0:], uint64(d.size))
	binary.BigEndian.PutUint64(b[8:], uint64(d.compressed))
	binary.BigEndian.PutUint64(b[16:], uint64(d.nodes))
	if d.broken {
		b[24] = 1
	}
	a.sum.Write(b[:])
}

func (a *archive) String() string {
	return fmt.Sprintf("%d files, %s", a.files, hex.EncodeToString(a.sum.Sum(nil)[:8]))
}

// readAll leaves the files in the page cache, so that runs differ in what they do and not in what the kernel has kept.
func readAll(ctx context.Context, dir string) error {
	buf := make([]byte, 1<<20)
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !isGoFile(e) {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		for {
			if _, err := f.Read(buf); err == io.EOF {
				return ctx.Err()
			} else if err != nil {
				return err
			}
		}
	})
}

func filesSerial(ctx context.Context, dir string) (*archive, error) {
	a := newArchive()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !isGoFile(e) {
			return err
		}
		d, err := digestOf(path, os.ReadFile)
		a.add(d)
		return errors.Join(err, ctx.Err())
	})
	return a, err
}

// filesGoroutines is a walker, a goroutine for each worker, and the caller, who takes the results in order. Each file has a
// channel for its result; the queue of these channels is the order, and its length bounds how far the workers may be ahead.
func filesGoroutines(ctx context.Context, dir string, workers int) (*archive, error) {
	type result struct {
		digest
		err error
	}
	type job struct {
		path string
		done chan result
	}
	const ahead = 256
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait() // after cancel
	defer cancel()

	jobs := make(chan job, ahead)
	queue := make(chan chan result, ahead)
	var walkErr error
	wg.Go(func() {
		defer close(queue)
		defer close(jobs)
		walkErr = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !isGoFile(e) {
				return err
			}
			j := job{path, make(chan result, 1)}
			select {
			case queue <- j.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			select {
			case jobs <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
			return nil
		})
	})
	for range workers {
		wg.Go(func() {
			for j := range jobs {
				d, err := digestOf(j.path, os.ReadFile)
				j.done <- result{d, err}
			}
		})
	}

	a := newArchive()
	for done := range queue {
		select {
		case r := <-done:
			if r.err != nil {
				return nil, r.err
			}
			a.add(r.digest)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return a, walkErr
}

// filesPinwheel walks and works at once: a directory is a task that maps its entries, among which are directories.
func filesPinwheel(ctx context.Context, dir string) (*archive, error) {
	entries, err := sched.Run(ctx, func(t *sched.Task) ([]entry, error) { return entriesOf(t, dir) })
	if err != nil {
		return nil, err
	}
	a := newArchive()
	a.addAll(entries)
	return a, nil
}

// An entry is the result of a file or the results of a directory.
type entry struct {
	digest
	isDir   bool
	entries []entry
}

func entriesOf(t *sched.Task, dir string) ([]entry, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	todo := slices.DeleteFunc(all, func(e fs.DirEntry) bool { return !e.IsDir() && !isGoFile(e) })
	return sched.Map(t, todo, func(t *sched.Task, e fs.DirEntry) (entry, error) {
		path := filepath.Join(dir, e.Name())
		if e.IsDir() {
			below, err := entriesOf(t, path)
			return entry{isDir: true, entries: below}, err
		}
		d, err := digestOf(path, func(name string) ([]byte, error) { return sched.ReadFile(t, name) })
		return entry{digest: d}, err
	})
}

func (a *archive) addAll(entries []entry) {
	for _, e := range entries {
		if e.isDir {
			a.addAll(e.entries)
		} else {
			a.add(e.digest)
		}
	}
}
