// Thumbs makes a thumbnail of every PNG and JPEG picture in a folder.
//
//	thumbs [-size 128] FROM TO
//
// Pictures are decoded, made smaller and encoded in tasks, each picture by one task without a stop in between. What cannot be
// decoded is reported and left out. On a terminal there is a progress bar.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	_ "image/png"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pinwheel-sched/pinwheel/sched"
)

func main() {
	size := flag.Int("size", 128, "the longer side of a thumbnail, in `PIXELS`")
	serial := flag.Bool("serial", false, "use one core, for comparison")
	flag.Parse()
	if flag.NArg() != 2 || *size < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *serial {
		ctx = sched.With(ctx, sched.Sequential())
	}
	n, of, err := makeThumbs(ctx, flag.Arg(0), flag.Arg(1), *size)
	if err == nil && n < of {
		err = fmt.Errorf("%d of %d pictures failed", of-n, of)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "thumbs:", err)
		os.Exit(1)
	}
}

// makeThumbs returns how many thumbnails it made, of how many pictures.
func makeThumbs(ctx context.Context, from, to string, size int) (done, of int, err error) {
	var names []string
	for _, pattern := range []string{"*.png", "*.jpg", "*.jpeg"} {
		found, _ := filepath.Glob(filepath.Join(from, pattern))
		names = append(names, found...)
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return 0, 0, err
	}
	opts := []sched.StreamOption{sched.DeadLetter(func(name string, err error) {
		fmt.Fprintf(os.Stderr, "thumbs: %s: %v\n", name, err)
	})}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		opts = append(opts, sched.OnProgress(100*time.Millisecond, func(p sched.Progress) { bar(p, len(names)) }))
	}
	type picture struct {
		name string
		*image.RGBA
	}
	decoded := sched.Stream(ctx, slices.Values(names), func(_ *sched.Task, name string) (picture, error) {
		img, err := load(name)
		return picture{filepath.Base(name), img}, err
	}, opts...)
	small := sched.Then(decoded, func(_ *sched.Task, p picture) (picture, error) {
		return picture{p.name, smaller(p.RGBA, size)}, nil
	})
	stored := sched.Then(small, func(_ *sched.Task, p picture) (string, error) {
		return p.name, store(filepath.Join(to, p.name+".jpg"), p.RGBA)
	})
	for _, err := range stored {
		if err != nil {
			return done, len(names), err
		}
		done++
	}
	return done, len(names), nil
}

func bar(p sched.Progress, of int) {
	full := strings.Repeat("=", 40*int(p.Out)/max(of, 1))
	fmt.Fprintf(os.Stderr, "\r[%-40s] %d/%d  %.0f/s ", full, p.Out, of, p.Rate)
	if p.Done {
		fmt.Fprintln(os.Stderr)
	}
}

func load(name string) (*image.RGBA, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	img, _, err := image.Decode(file)
	if err != nil {
		return nil, err
	}
	to := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(to, to.Bounds(), img, img.Bounds().Min, draw.Src)
	return to, nil
}

func store(name string, img image.Image) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	err = jpeg.Encode(file, img, &jpeg.Options{Quality: 85})
	return errors.Join(err, file.Close())
}

// smaller returns the picture with its longer side cut down to size: each pixel is the mean of those that it stands for.
func smaller(from *image.RGBA, size int) *image.RGBA {
	w, h := from.Rect.Dx(), from.Rect.Dy()
	size = min(size, max(w, h))
	tw, th := max(1, w*size/max(w, h)), max(1, h*size/max(w, h))
	to := image.NewRGBA(image.Rect(0, 0, tw, th))
	for i := range tw * th {
		x, y := i%tw, i/tw
		left, right, top, bottom := x*w/tw, (x+1)*w/tw, y*h/th, (y+1)*h/th
		var sum [4]int
		for y := top; y < bottom; y++ {
			row := from.Pix[from.PixOffset(left, y):][:4*(right-left)]
			for j, v := range row {
				sum[j&3] += int(v)
			}
		}
		n := (bottom - top) * (right - left)
		for c, s := range sum {
			to.Pix[4*i+c] = uint8((s + n/2) / n)
		}
	}
	return to
}
