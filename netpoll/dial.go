package netpoll

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Dial connects to an address, as [net.Dialer.DialContext] does, for the networks "tcp", "udp" and their versions with a 4 or
// a 6, "unix", "unixgram" and "unixpacket".
//
// It suspends the calling task or blocks the calling goroutine. Names are resolved off the workers. If a name has several addresses,
// IPv6 and IPv4 alternate, each is tried 250 ms after the one before or when that has failed, and the first connection wins
// (RFC 8305). If all fail, the error is that of the first address: why it refused, or ctx's error if it had not answered when ctx
// was done. Nothing is left behind.
func (p *Poller) Dial(ctx context.Context, network, address string) (*Conn, error) {
	fail := func(err error) (*Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	if err := p.start(); err != nil {
		return fail(err)
	}
	switch network {
	case "unix", "unixgram", "unixpacket":
		if address == "" {
			return fail(errMissingAddress)
		}
		return p.connect(ctx, network, netip.AddrPort{}, address)
	case "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6":
	default:
		return fail(net.UnknownNetworkError(network))
	}
	if a, err := netip.ParseAddrPort(address); err == nil && suits(network, a.Addr()) && a.Addr() != netip.IPv6Unspecified() {
		return p.connect(ctx, network, netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), "")
	}
	// Looking up and racing are for goroutines.
	var c *Conn
	var err error
	aside(ctx, func() {
		var all []netip.AddrPort
		if all, err = resolve(ctx, network, address); err != nil {
			_, err = fail(err)
			return
		}
		c, err = p.race(ctx, network, all)
	})
	return c, err
}

var errMissingAddress = errors.New("missing address")

// version returns the 4 or the 6 at the end of a network, or 0.
func version(network string) byte {
	if v := network[len(network)-1]; v == '4' || v == '6' {
		return v
	}
	return 0
}

// suits reports whether a network has an address. An invalid one stands for this machine.
func suits(network string, a netip.Addr) bool {
	if !a.IsValid() {
		return true
	}
	switch version(network) {
	case '4':
		return a.Unmap().Is4()
	case '6':
		return a.Is6() && !a.Is4In6()
	}
	return true
}

// resolve returns the addresses that an address in words stands for, at least one, in the order in which they should be tried.
func resolve(ctx context.Context, network, address string) ([]netip.AddrPort, error) {
	if address == "" {
		return nil, errMissingAddress
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, network, service)
	if err != nil {
		return nil, err
	}
	var ips []netip.Addr
	switch ip, err := netip.ParseAddr(host); {
	case host == "":
		ips = []netip.Addr{{}}
	case ip == netip.IPv6Unspecified():
		ips = []netip.Addr{ip, netip.IPv4Unspecified()} // what listens there may not be found by IPv6
	case err == nil:
		ips = []netip.Addr{ip}
	default:
		kind := "ip"
		if v := version(network); v != 0 {
			kind += string(v)
		}
		if ips, err = net.DefaultResolver.LookupNetIP(ctx, kind, host); err != nil {
			return nil, err
		}
	}
	var all []netip.AddrPort
	for _, ip := range ips {
		if suits(network, ip) {
			all = append(all, netip.AddrPortFrom(ip.Unmap(), uint16(port)))
		}
	}
	if len(all) == 0 {
		return nil, &net.AddrError{Err: "no suitable address found", Addr: host}
	}
	return alternate(all), nil
}

// alternate orders addresses so that the families take turns, beginning with that of the first.
func alternate(all []netip.AddrPort) []netip.AddrPort {
	var same, other []netip.AddrPort
	for _, a := range all {
		if a.Addr().Is4() == all[0].Addr().Is4() {
			same = append(same, a)
		} else {
			other = append(other, a)
		}
	}
	mixed := all[:0:0]
	for i := 0; i < len(same) || i < len(other); i++ {
		if i < len(same) {
			mixed = append(mixed, same[i])
		}
		if i < len(other) {
			mixed = append(mixed, other[i])
		}
	}
	return mixed
}

// attemptDelay is how long an attempt to connect goes on alone. A variable for tests.
var attemptDelay = 250 * time.Millisecond

// race tries the addresses, and returns the first connection, or the error of the first address. Called on a goroutine.
func (p *Poller) race(ctx context.Context, network string, all []netip.AddrPort) (*Conn, error) {
	if len(all) == 1 {
		return p.connect(ctx, network, all[0], "")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		c   *Conn
		err error
		i   int
	}
	results := make(chan result)
	delay := time.NewTimer(attemptDelay)
	defer delay.Stop()
	var first error
	started, running := 0, 0
	start := func() {
		if i := started; i < len(all) {
			started++
			running++
			delay.Reset(attemptDelay)
			go func() {
				c, err := p.connect(ctx, network, all[i], "")
				results <- result{c, err, i}
			}()
		}
	}
	for start(); running > 0; {
		select {
		case r := <-results:
			running--
			if r.err == nil {
				cancel()
				for ; running > 0; running-- { // the losers
					if r := <-results; r.c != nil {
						_ = r.c.Close()
					}
				}
				return r.c, nil
			}
			if r.i == 0 {
				first = r.err
			}
			if ctx.Err() == nil {
				start()
			}
		case <-delay.C:
			start()
		}
	}
	return nil, first
}
