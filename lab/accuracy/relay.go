package main

import (
	"context"
	"net"
	"time"
)

// oneWay is how far away the relays put a server: what a tool needs for itself,
// such as a process that starts or a clock in user space, is then small beside
// what it measures.
const oneWay = 25 * time.Millisecond

// farTCP relays connections to a server and holds each piece for oneWay.
func farTCP(ctx context.Context, target string) (port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			go hold(near, far)
			go hold(far, near)
		}
	}()
	_, port, err = net.SplitHostPort(l.Addr().String())
	return port, err
}

type piece struct {
	data []byte
	due  time.Time
}

func hold(from, to net.Conn) {
	pieces := make(chan piece, 1024)
	go func() {
		defer to.Close()
		for p := range pieces {
			time.Sleep(time.Until(p.due))
			if _, err := to.Write(p.data); err != nil {
				break
			}
		}
		for range pieces { // the reader ends first
		}
	}()
	defer close(pieces)
	for {
		buf := make([]byte, 64<<10)
		n, err := from.Read(buf)
		if n > 0 {
			pieces <- piece{buf[:n], time.Now().Add(oneWay)}
		}
		if err != nil {
			return
		}
	}
}

// farUDP relays each datagram, and its answer, oneWay later.
func farUDP(ctx context.Context, target string) (port string, err error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	context.AfterFunc(ctx, func() { c.Close() })
	go func() {
		for {
			buf := make([]byte, 64<<10)
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			time.AfterFunc(oneWay, func() { answer(c, from, target, buf[:n]) })
		}
	}()
	_, port, err = net.SplitHostPort(c.LocalAddr().String())
	return port, err
}

func answer(c net.PacketConn, to net.Addr, target string, query []byte) {
	far, err := net.Dial("udp", target)
	if err != nil {
		return
	}
	defer far.Close()
	far.SetDeadline(time.Now().Add(time.Second))
	if _, err := far.Write(query); err != nil {
		return
	}
	buf := make([]byte, 64<<10)
	n, err := far.Read(buf)
	if err != nil {
		return
	}
	time.Sleep(oneWay)
	c.WriteTo(buf[:n], to)
}
