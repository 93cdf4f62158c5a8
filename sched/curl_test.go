package sched_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pinwheel-sched/pinwheel/sched"
)

// curl talks to net/http over our listener, in clear and over TLS, by HTTP/1.1 and by HTTP/2: small answers on one connection, large ones
// from a file (sendfile), uploads, and many at once.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("this test needs curl: ", err)
	}
	about, err := exec.Command(curl, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	s, err := sched.New(sched.WithWorkers(2))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx := sched.With(context.Background(), s)

	dir := t.TempDir()
	big := bytes.Repeat([]byte("pinwheel"), 200_000)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, big, 0o600); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello by %s\n", r.Proto) })
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })

	for name, flags := range map[string][]string{"http": {"--http1.1"}, "https": {"--http1.1", "-k"}, "h2": {"--http2", "-k"}} {
		t.Run(name, func(t *testing.T) {
			proto := "HTTP/1.1"
			if name == "h2" {
				if proto = "HTTP/2.0"; !strings.Contains(string(about), "HTTP2") {
					t.Skip("this curl has no HTTP/2")
				}
			}
			l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewUnstartedServer(mux)
			_ = server.Listener.Close()
			server.Listener, server.EnableHTTP2 = l, name == "h2"
			if name == "http" {
				server.Start()
			} else {
				server.StartTLS()
			}
			defer server.Close()
			do := func(args ...string) []byte {
				t.Helper()
				cmd := exec.CommandContext(t.Context(), curl, append(append([]string{"-sS", "--fail", "--max-time", "60"}, flags...), args...)...)
				var problem bytes.Buffer
				cmd.Stderr = &problem
				out, err := cmd.Output()
				if err != nil {
					t.Errorf("curl %v: %v\n%s", args, err, problem.Bytes())
				}
				return out
			}
			hello := server.URL + "/hello"
			if got, want := string(do(hello, hello, hello)), strings.Repeat("hello by "+proto+"\n", 3); got != want {
				t.Errorf("curl got %q, want %q", got, want)
			}
			if got := do(server.URL + "/file"); !bytes.Equal(got, big) {
				t.Errorf("the file came as %d bytes, want %d", len(got), len(big))
			}
			if got := do("-r", "8-15", server.URL+"/file"); string(got) != "pinwheel" {
				t.Errorf("a range came as %q", got)
			}
			if got := do("--data-binary", "@"+file, server.URL+"/echo"); !bytes.Equal(got, big) {
				t.Errorf("what was uploaded came back as %d bytes, want %d", len(got), len(big))
			}
			many := []string{"--parallel", "--parallel-max", "20"}
			for i := range 40 {
				many = append(many, "-o", filepath.Join(dir, fmt.Sprint(i)), server.URL+"/file")
			}
			do(many...)
			for i := range 40 {
				if got, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i))); !bytes.Equal(got, big) || err != nil {
					t.Errorf("file %d of 40 at once came as %d bytes, %v", i, len(got), err)
				}
			}
		})
	}
}
