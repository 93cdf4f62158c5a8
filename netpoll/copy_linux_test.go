//go:build linux && !pinwheel_portable

package netpoll

import (
	"io"
	"os"
	"testing"
)

// A taker keeps the reader that io.Copy hands it.
type taker struct{ r io.Reader }

func (k *taker) Write(b []byte) (int, error)               { return len(b), nil }
func (k *taker) ReadFrom(r io.Reader) (n int64, err error) { k.r = r; return 0, nil }

// A file is sent by the system, also as io.Copy hands it over, but not as datagrams, whose bounds would be the system's.
func TestFilesAreSentByTheSystem(t *testing.T) {
	f, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var k taker
	if _, err := io.Copy(&k, f); err != nil {
		t.Fatal(err)
	}
	p := newPoller(t)
	stream, _ := pair(t, p, "tcp", "127.0.0.1:0")
	datagrams, err := p.Dial(background, "udp", listenPacket(t, p, "udp", "127.0.0.1:0").LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	for what, r := range map[string]io.Reader{"the file": f, "what io.Copy makes of it": k.r} {
		if n, handled, err := stream.sendFile(background, r, 10); n != 10 || !handled || err != nil {
			t.Errorf("%s on a stream: %d, %t, %v", what, n, handled, err)
		}
		if n, handled, err := datagrams.sendFile(background, r, 10); n != 0 || handled || err != nil {
			t.Errorf("%s as datagrams: %d, %t, %v", what, n, handled, err)
		}
	}
}
