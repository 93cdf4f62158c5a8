package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/bench/ideal"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// quadrants draws a picture of four colours, which a thumbnail must have in the same places.
func quadrants(w, h, n int) (*image.RGBA, [4]color.RGBA) {
	colors := [4]color.RGBA{{uint8(40 * n), 10, 200, 255}, {200, uint8(30 * n), 30, 255}, {20, 220, uint8(20 * n), 255}, {90, 90, 90, 255}}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, colors[2*(2*y/h)+2*x/w])
		}
	}
	return img, colors
}

// folder makes n pictures, every other one a PNG.
func folder(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		img, _ := quadrants(400+20*i, 300, i%6)
		kind := []string{"png", "jpg"}[i%2]
		file, err := os.Create(filepath.Join(dir, fmt.Sprintf("%02d.%s", i, kind)))
		if err != nil {
			t.Fatal(err)
		}
		if kind == "png" {
			err = png.Encode(file, img)
		} else {
			err = jpeg.Encode(file, img, &jpeg.Options{Quality: 95})
		}
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// How near it comes to what the workers could do: see of-ideal.
func BenchmarkFolder(b *testing.B) {
	const n = 100
	from, to := folder(b, n), b.TempDir()
	ideal.Report(b, func(ctx context.Context) error {
		done, _, err := makeThumbs(ctx, from, to, 64)
		if err == nil && done != n {
			b.Fatal(done)
		}
		return err
	})
}

func TestThumbnailsShowWhatThePicturesShow(t *testing.T) {
	const n = 12
	from := folder(t, n)
	for _, ctx := range []context.Context{context.Background(), sched.With(context.Background(), sched.Sequential())} {
		to := filepath.Join(t.TempDir(), "new")
		if done, of, err := makeThumbs(ctx, from, to, 64); done != n || of != n || err != nil {
			t.Fatal(done, of, err)
		}
		for i := range n {
			file, err := os.Open(filepath.Join(to, fmt.Sprintf("%02d.%s.jpg", i, []string{"png", "jpg"}[i%2])))
			if err != nil {
				t.Fatal(err)
			}
			img, err := jpeg.Decode(file)
			file.Close()
			if err != nil {
				t.Fatal(err)
			}
			w, h := img.Bounds().Dx(), img.Bounds().Dy()
			if w != 64 || h != 300*64/(400+20*i) {
				t.Errorf("thumbnail %d has %d x %d pixels", i, w, h)
			}
			_, colors := quadrants(1, 1, i%6)
			for q, want := range colors {
				got := color.RGBAModel.Convert(img.At(w/4+w/2*(q%2), h/4+h/2*(q/2))).(color.RGBA)
				if far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B) {
					t.Errorf("thumbnail %d: %v in quadrant %d, want %v", i, got, q, want)
				}
			}
		}
	}
}

func far(a, b uint8) bool { return max(a, b)-min(a, b) > 12 }

func TestWhatIsNoPictureIsLeftOut(t *testing.T) {
	from := folder(t, 4)
	if err := os.WriteFile(filepath.Join(from, "zz.png"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	if done, of, err := makeThumbs(context.Background(), from, t.TempDir(), 64); done != 4 || of != 5 || err != nil {
		t.Error(done, of, err)
	}
}

func TestSmallerTakesMeans(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 4, 2))
	for i := range img.Pix {
		img.Pix[i] = uint8(i)
	}
	got := smaller(img, 2)
	for c := range 4 { // pixels 0, 1, 4, 5 and 2, 3, 6, 7
		if left, right := got.Pix[c], got.Pix[4+c]; left != uint8(10+c) || right != uint8(18+c) {
			t.Error(c, left, right)
		}
	}
}

func TestErrorsOfTheFolderEndIt(t *testing.T) {
	from := folder(t, 2)
	if _, _, err := makeThumbs(context.Background(), from, filepath.Join(from, "00.png", "x"), 64); err == nil {
		t.Error("no error for a folder that cannot be")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := makeThumbs(ctx, from, t.TempDir(), 64); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
