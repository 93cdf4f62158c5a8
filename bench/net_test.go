package bench

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/pinwheel-sched/pinwheel/netpoll"
	"github.com/pinwheel-sched/pinwheel/sched"
)

func newScheduler(t *testing.T) context.Context {
	t.Helper()
	s, err := sched.New(sched.WithWorkers(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return sched.With(context.Background(), s)
}

// taskBound is a connection each call of which is made by a task of its own.
type taskBound struct {
	*netpoll.Conn
	ctx context.Context
}

func (c taskBound) inTask(f func(v *netpoll.View) (int, error)) (int, error) {
	var n int
	var err error
	// By Go and not by Run, which would have the calling goroutine run the task.
	_, failure := sched.Go(c.ctx, func(t *sched.Task) (int, error) {
		n, err = f(c.With(t))
		return 0, nil
	}).Await(context.Background())
	if failure != nil {
		panic(failure)
	}
	return n, err
}

func (c taskBound) Read(b []byte) (int, error) {
	return c.inTask(func(v *netpoll.View) (int, error) { return v.Read(b) })
}

func (c taskBound) Write(b []byte) (int, error) {
	return c.inTask(func(v *netpoll.View) (int, error) { return v.Write(b) })
}

func (c taskBound) Close() error {
	_, err := c.inTask(func(v *netpoll.View) (int, error) { return 0, v.Close() })
	return err
}

func pipeOver(ctx context.Context, network, address string, wrap func(c *netpoll.Conn) net.Conn) nettest.MakePipe {
	return func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := sched.Listen(ctx, network, address)
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		a, err := sched.Dial(ctx, network, l.Addr().String())
		if err != nil {
			return nil, nil, nil, err
		}
		b, err := l.AcceptConn(ctx)
		if err != nil {
			return nil, nil, nil, err
		}
		return wrap(a), wrap(b), func() { _ = a.Close(); _ = b.Close() }, nil
	}
}

func TestConnections(t *testing.T) {
	ctx := newScheduler(t)
	addresses := map[string]string{"tcp4": "127.0.0.1:0", "unix": filepath.Join(t.TempDir(), "socket")}
	if nettest.SupportsIPv6() {
		addresses["tcp6"] = "[::1]:0"
	}
	wraps := map[string]func(c *netpoll.Conn) net.Conn{
		"plain": func(c *netpoll.Conn) net.Conn { return c },
		"view":  func(c *netpoll.Conn) net.Conn { return c.With(ctx) },
		"task":  func(c *netpoll.Conn) net.Conn { return taskBound{c, ctx} },
	}
	for network, address := range addresses {
		for kind, wrap := range wraps {
			t.Run(network+"/"+kind, func(t *testing.T) {
				nettest.TestConn(t, pipeOver(ctx, network, address, wrap))
			})
		}
	}
}

// certificate makes a server's certificate for 127.0.0.1, and what a client needs to trust it.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// net/http over our listener and dialer: HTTP/1.1, the same over TLS, and HTTP/2.
func TestHTTP(t *testing.T) {
	ctx := newScheduler(t)
	cert, roots := certificate(t)
	big := bytes.Repeat([]byte("pinwheel"), 100_000)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, big, 0o600); err != nil {
		t.Fatal(err)
	}
	mux.HandleFunc("GET /file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	for _, kind := range []string{"http", "https", "h2"} {
		t.Run(kind, func(t *testing.T) {
			l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := &http.Server{
				Handler: mux, ReadTimeout: 2 * time.Minute, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
				TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
			}
			transport := &http.Transport{
				DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
					return sched.Dial(ctx, network, address)
				},
				TLSClientConfig:   &tls.Config{RootCAs: roots},
				ForceAttemptHTTP2: kind == "h2",
			}
			client := &http.Client{Transport: transport}
			scheme, version := "https", 1
			served := make(chan error, 1)
			switch kind {
			case "http":
				scheme = "http"
				go func() { served <- server.Serve(l) }()
			case "h2":
				version = 2
				go func() { served <- server.ServeTLS(l, "", "") }()
			default:
				server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // no HTTP/2
				go func() { served <- server.ServeTLS(l, "", "") }()
			}
			url := scheme + "://" + l.Addr().String()
			var clients sync.WaitGroup
			for i := range 8 {
				clients.Go(func() {
					for range 10 {
						said := fmt.Sprint("I am ", i)
						r, err := client.Post(url+"/echo", "text/plain", strings.NewReader(said))
						if err != nil {
							t.Error(err)
							return
						}
						heard, err := io.ReadAll(r.Body)
						_ = r.Body.Close()
						if string(heard) != said || err != nil || r.ProtoMajor != version {
							t.Errorf("heard %q, %v over version %d", heard, err, r.ProtoMajor)
						}
					}
					r, err := client.Get(url + "/file")
					if err != nil {
						t.Error(err)
						return
					}
					defer r.Body.Close()
					if got, err := io.ReadAll(r.Body); !bytes.Equal(got, big) || err != nil {
						t.Errorf("the file came as %d bytes, %v", len(got), err)
					}
				})
			}
			clients.Wait()
			transport.CloseIdleConnections()
			if err := server.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			if err := <-served; err != http.ErrServerClosed {
				t.Error(err)
			}
		})
	}
}

// TLS within tasks: a connection's calls find the task that makes them, whatever package they come through.
func TestTLSInTasks(t *testing.T) {
	ctx := newScheduler(t)
	cert, roots := certificate(t)
	l, err := sched.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- sched.Serve(ctx, l, func(_ *sched.Task, c *netpoll.Conn) {
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
			_, _ = io.Copy(s, s)
		})
	}()
	g := sched.NewGroup(ctx)
	for i := range 20 {
		g.Go(func(task *sched.Task) error {
			c, err := sched.Dial(task, "tcp", l.Addr().String())
			if err != nil {
				return err
			}
			defer c.Close()
			s := tls.Client(c.With(task), &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
			said := bytes.Repeat([]byte{byte(i)}, 30_000)
			for range 5 {
				if _, err := s.Write(said); err != nil {
					return err
				}
				heard := make([]byte, len(said))
				if _, err := io.ReadFull(s, heard); err != nil || !bytes.Equal(heard, said) {
					return fmt.Errorf("connection %d: heard something else, %v", i, err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	_ = l.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
