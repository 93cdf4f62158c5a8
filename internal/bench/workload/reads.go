package workload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"

	"go.uber.org/atomic"

	"github.com/pinwheel-sched/pinwheel/internal/bench"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// reads has 64 readers read pages of one big file at random: from memory (hot), or from the disk itself (direct). The file is made
// in a temporary directory, TMPDIR, which should be on a disk, and has as many pages as are read, up to 1 GiB. Every page begins with its number, and the answer is the sum of
// the numbers that were read.
var reads = &bench.Workload{
	Name: "reads", Doc: "random reads of 4 KiB by 64 readers, from memory and from the disk",
	Size: "reads", Unit: "read", N: "200000", SuiteN: "10000", TestN: "500",
	Options: []bench.Option{
		{Name: "mode", Doc: "hot (from memory), direct (O_DIRECT)", Default: "hot,direct", Many: true},
	},
	Prepare: func(p bench.Params) (bench.Build, error) {
		n, err := p.Int(1, 100_000_000)
		if err != nil {
			return nil, err
		}
		flag := os.O_RDONLY
		switch p.Options["mode"] {
		case "hot":
		case "direct":
			if directFlag == 0 {
				return nil, errors.New("--mode direct: there is no O_DIRECT on this system")
			}
			flag |= directFlag
		default:
			return nil, errors.New("--mode: want hot or direct")
		}
		return func(ctx context.Context) (*bench.Job, error) {
			return readsJob(ctx, n, min(max(n, leastPages), mostPages), flag)
		}, nil
	},
}

const (
	pageSize   = 4096
	readers    = 64
	pagesAtOne = 256 // that are written at once
	leastPages = 256
	mostPages  = 1 << 18 // 1 GiB
)

func readsJob(ctx context.Context, n, pages, flag int) (*bench.Job, error) {
	file, name, err := pagesFile(ctx, pages)
	if err != nil {
		return nil, err
	}
	numbers := make([]int32, n)
	want := int64(0)
	r := rand.New(rand.NewPCG(3, uint64(n)))
	for i := range numbers {
		numbers[i] = int32(r.IntN(pages))
		want += int64(numbers[i])
	}
	share := func(k int) []int32 { return numbers[n*k/readers : n*(k+1)/readers] }
	return &bench.Job{
		Tasks: int64(n),
		Bodies: map[bench.Runtime]bench.Body{
			bench.Pinwheel: func(r *bench.Run) (string, error) {
				f, err := sched.OpenFile(r.Context, name, flag, 0)
				if err != nil {
					return "", err
				}
				defer func() { _ = f.Close() }()
				r.Start()
				var sum atomic.Int64
				g := sched.NewGroup(r.Context)
				for k := range readers {
					g.Go(func(*sched.Task) error {
						s, err := readPages(f, share(k))
						sum.Add(s)
						return err
					})
				}
				err = g.Wait()
				r.Stop()
				return decimal(sum.Load()), err
			},
			bench.Goroutines: func(r *bench.Run) (string, error) {
				f, err := os.OpenFile(name, flag, 0)
				if err != nil {
					return "", err
				}
				defer func() { _ = f.Close() }()
				r.Start()
				var (
					sum  atomic.Int64
					errs [readers]error
					all  sync.WaitGroup
				)
				for k := range readers {
					all.Go(func() {
						s, err := readPages(f, share(k))
						sum.Add(s)
						errs[k] = err
					})
				}
				all.Wait()
				r.Stop()
				return decimal(sum.Load()), errors.Join(errs[:]...)
			},
		},
		Verify: func(answer string) error {
			defer func() { _ = file.Name() }() // the file lives as long as the job
			return bench.Answer(decimal(want))(answer)
		},
	}, nil
}

// readPages returns the sum of the numbers at the beginning of pages.
func readPages(f io.ReaderAt, pages []int32) (sum int64, err error) {
	b := make([]byte, 2*pageSize)
	b = b[alignment(b):][:pageSize]
	for _, page := range pages {
		if _, err := f.ReadAt(b, int64(page)*pageSize); err != nil {
			return sum, err
		}
		sum += int64(binary.LittleEndian.Uint64(b))
	}
	return sum, nil
}

// pagesFile makes the file. It has no name any more, so that nothing is left behind, but can be opened by the one that is returned
// while file is open.
func pagesFile(ctx context.Context, pages int) (file *os.File, name string, err error) {
	if file, err = os.CreateTemp("", "schedbench-reads-"); err != nil {
		return nil, "", err
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, "", err
	}
	b := make([]byte, pagesAtOne*pageSize)
	for first := 0; first < pages && ctx.Err() == nil; first += pagesAtOne {
		for k := range pagesAtOne {
			binary.LittleEndian.PutUint64(b[k*pageSize:], uint64(first+k))
		}
		if _, err := file.Write(b[:min(pagesAtOne, pages-first)*pageSize]); err != nil {
			_ = file.Close()
			return nil, "", err
		}
	}
	if err := errors.Join(ctx.Err(), file.Sync()); err != nil {
		_ = file.Close()
		return nil, "", err
	}
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if _, err := os.Stat(dir); err == nil {
			return file, fmt.Sprintf("%s/%d", dir, file.Fd()), nil
		}
	}
	_ = file.Close()
	return nil, "", errors.New("reads: this system has no name for an open file")
}
