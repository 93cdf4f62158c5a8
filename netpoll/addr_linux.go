//go:build linux && !pinwheel_portable

package netpoll

import (
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// addrOf returns an address of the kernel's as one of package net's for the network.
func addrOf(sa unix.Sockaddr, network string) net.Addr {
	var ip net.IP
	var port int
	var zone string
	switch sa := sa.(type) {
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: network}
	case *unix.SockaddrInet4:
		ip, port = net.IP(sa.Addr[:]), sa.Port
	case *unix.SockaddrInet6:
		ip, port, zone = net.IP(sa.Addr[:]), sa.Port, zoneOf(sa.ZoneId)
	default:
		if network[0] == 'u' && network[1] == 'n' {
			return &net.UnixAddr{Net: network}
		}
		return nil
	}
	if network[0] == 'u' {
		return &net.UDPAddr{IP: ip, Port: port, Zone: zone}
	}
	return &net.TCPAddr{IP: ip, Port: port, Zone: zone}
}

func localAddr(fd int, network string) net.Addr {
	sa, _ := unix.Getsockname(fd)
	return addrOf(sa, network)
}

func remoteAddr(fd int, network string) net.Addr {
	sa, err := unix.Getpeername(fd)
	if err != nil {
		return nil
	}
	return addrOf(sa, network)
}

func zoneOf(id uint32) string {
	if id == 0 {
		return ""
	}
	if i, err := net.InterfaceByIndex(int(id)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(id), 10)
}

func zoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32)
	return uint32(n)
}

// sockaddrOf returns an address as the kernel wants it, for a socket of the family.
func sockaddrOf(a netip.AddrPort, family int) unix.Sockaddr {
	if family == unix.AF_INET {
		return &unix.SockaddrInet4{Addr: a.Addr().Unmap().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port()), ZoneId: zoneID(a.Addr().Zone())}
}
