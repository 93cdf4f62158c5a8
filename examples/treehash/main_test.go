package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/internal/bench/ideal"
	"github.com/pinwheel-sched/pinwheel/sched"
)

// tree makes files of many sizes.
func tree(t testing.TB) (root string, files int) {
	t.Helper()
	root = t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 300 {
		dir := filepath.Join(root, strconv.Itoa(i%7), strconv.Itoa(i%3))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		content := make([]byte, rng.IntN(1<<rng.IntN(18)))
		for j := range content {
			content[j] = byte(rng.IntN(20))
		}
		if err := os.WriteFile(filepath.Join(dir, "file "+strconv.Itoa(i)), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root, 300
}

// How near it comes to what the workers could do: see of-ideal.
func BenchmarkTree(b *testing.B) {
	root, files := tree(b)
	ideal.Report(b, func(ctx context.Context) error {
		sums, err := hashTree(ctx, root, "")
		if err == nil && len(sums) != files {
			b.Fatal(len(sums))
		}
		return err
	})
}

func TestTheManifestIsWhatSha256sumSays(t *testing.T) {
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("there is no sha256sum:", err)
	}
	root, files := tree(t)
	gz := t.TempDir()
	for _, ctx := range []context.Context{context.Background(), sched.With(context.Background(), sched.Sequential())} {
		sums, err := hashTree(ctx, root, gz)
		if err != nil || len(sums) != files {
			t.Fatalf("%d sums, %v", len(sums), err)
		}
		var manifest bytes.Buffer
		if err := writeManifest(&manifest, sums); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-c", `find "$0" -type f -print0 | xargs -0 sha256sum`, root).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSpace(string(out)), "\n")
		path := func(line string) string { _, p, _ := strings.Cut(line, "  "); return p }
		slices.SortFunc(want, func(a, b string) int { return strings.Compare(path(a), path(b)) })
		if got := strings.Split(strings.TrimSpace(manifest.String()), "\n"); !slices.Equal(got, want) {
			t.Error("the manifest is wrong")
		}
		for _, s := range sums[:10] {
			rel, _ := filepath.Rel(root, s.path)
			packed, err := os.ReadFile(filepath.Join(gz, rel) + ".gz")
			if err != nil || int64(len(packed)) != s.packed {
				t.Fatalf("%d bytes, %v; want %d", len(packed), err, s.packed)
			}
			z, err := gzip.NewReader(bytes.NewReader(packed))
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(z)
			original, _ := os.ReadFile(s.path)
			if err != nil || !bytes.Equal(content, original) {
				t.Error("a compressed copy is wrong", err)
			}
		}
	}
}

func TestAWrongHashIsNoticedBySha256sum(t *testing.T) {
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("there is no sha256sum:", err)
	}
	root, _ := tree(t)
	sums, err := hashTree(context.Background(), root, "")
	if err != nil {
		t.Fatal(err)
	}
	sums[5].hash[3] ^= 1
	var manifest bytes.Buffer
	if err := writeManifest(&manifest, sums); err != nil {
		t.Fatal(err)
	}
	check := exec.Command("sha256sum", "-c", "--quiet", "-")
	check.Stdin = &manifest
	if check.Run() == nil {
		t.Error("a wrong hash passes")
	}
}

func TestErrorsOfFilesEndIt(t *testing.T) {
	if _, err := hashTree(context.Background(), filepath.Join(t.TempDir(), "none"), ""); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	root, _ := tree(t)
	if _, err := hashTree(ctx, root, ""); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
