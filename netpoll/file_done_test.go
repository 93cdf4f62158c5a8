package netpoll

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// A call under a context that is done neither reads nor writes, though what it wants is in memory.
func TestCallsUnderAContextThatIsDoneBeginNothing(t *testing.T) {
	everyDisk(t, func(t *testing.T, d *Disk) {
		name := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(name, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := d.Open(t.Context(), name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		done, cancel := context.WithCancel(context.Background())
		cancel()
		g := f.With(done)
		b := make([]byte, 6)
		for op, call := range map[string]func() (int, error){
			"Read":    func() (int, error) { return g.Read(b) },
			"ReadAt":  func() (int, error) { return g.ReadAt(b, 0) },
			"Write":   func() (int, error) { return g.Write([]byte("after")) },
			"WriteAt": func() (int, error) { return g.WriteAt([]byte("after"), 0) },
			"Sync":    func() (int, error) { return 0, g.Sync() },
			"ReadFile": func() (int, error) {
				data, err := d.ReadFile(done, name)
				return len(data), err
			},
			"WriteFile": func() (int, error) { return 0, d.WriteFile(done, name, []byte("after"), 0o600) },
		} {
			n, err := call()
			var path *fs.PathError
			if n != 0 || !errors.As(err, &path) || path.Path != name || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %d, %v", op, n, err)
			}
		}
		if data, err := d.ReadFile(t.Context(), name); string(data) != "before" || err != nil {
			t.Errorf("the file has %q, %v", data, err)
		}
		if at, err := f.Seek(0, 1); at != 0 || err != nil {
			t.Errorf("the position is %d, %v", at, err)
		}
		if err := g.Close(); err != nil { // this frees things, and so is done in any case
			t.Error(err)
		}
	})
}
