package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// counts are the probes that the targets have answered.
type counts map[string]uint64

// serveTargets answers on free ports, prints them, and prints its counts for
// each line that it reads. It ends with its input.
func serveTargets([]string) error {
	var udp, dns, ntp, tcp, http atomic.Uint64
	var p ports
	for _, s := range []struct {
		port  *int
		count *atomic.Uint64
		reply func([]byte) int
	}{{&p.UDP, &udp, echoReply}, {&p.DNS, &dns, dnsReply}, {&p.NTP, &ntp, ntpReply}} {
		c, err := net.ListenPacket("udp4", "0.0.0.0:0")
		if err != nil {
			return err
		}
		*s.port = c.LocalAddr().(*net.UDPAddr).Port
		go answerUDP(c.(*net.UDPConn), s.count, s.reply)
	}
	for _, s := range []struct {
		port  *int
		count *atomic.Uint64
		serve func(net.Conn)
	}{{&p.TCP, &tcp, hangUp}, {&p.HTTP, &http, answerHTTP}} {
		l, err := listenTCP()
		if err != nil {
			return err
		}
		*s.port = l.Addr().(*net.TCPAddr).Port
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					continue // out of descriptors: the others continue
				}
				s.count.Add(1)
				go s.serve(c)
			}
		}()
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(p); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		echos, err := kernelEchos()
		if err != nil {
			return err
		}
		if err := out.Encode(counts{"icmp": echos, "udp": udp.Load(), "dns": dns.Load(), "ntp": ntp.Load(), "tcp": tcp.Load(), "http": http.Load()}); err != nil {
			return err
		}
	}
	return nil
}

// kernelEchos is how many echo requests the kernel has received: it is the
// target of the ICMP monitors.
func kernelEchos() (n uint64, err error) {
	data, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		switch {
		case f[0] == "Icmp:" && names == nil:
			names = f
		case f[0] == "Icmp:":
			for i, name := range names {
				if name == "InEchos" {
					_, err = fmt.Sscan(f[i], &n)
					return n, err
				}
			}
		}
	}
	return 0, fmt.Errorf("/proc/net/snmp does not tell InEchos")
}

// answerUDP answers in batches, from the address that was asked. reply turns a
// request into its answer in place; a length of 0 is not an answer.
func answerUDP(c *net.UDPConn, count *atomic.Uint64, reply func([]byte) int) {
	c.SetReadBuffer(8 << 20)
	c.SetWriteBuffer(8 << 20)
	p := ipv4.NewPacketConn(c)
	p.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	const most = 64
	in := make([]ipv4.Message, most)
	for i := range in {
		in[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 2048)}, OOB: make([]byte, 64)}
	}
	out := make([]ipv4.Message, 0, most)
	for {
		n, err := p.ReadBatch(in, 0)
		if err != nil {
			continue // an ICMP error of a client that has gone
		}
		count.Add(uint64(n))
		out = out[:0]
		for _, m := range in[:n] {
			if size := reply(m.Buffers[0][:m.N]); size > 0 {
				// What the kernel says of the packet's destination is, given
				// back, the answer's source (ip(7), IP_PKTINFO).
				out = append(out, ipv4.Message{Buffers: [][]byte{m.Buffers[0][:size]}, OOB: m.OOB[:m.NN], Addr: m.Addr})
			}
		}
		for rest := out; len(rest) > 0; {
			n, err := p.WriteBatch(rest, 0)
			if err != nil {
				n = max(n, 1)
			}
			rest = rest[n:]
		}
	}
}

func echoReply(b []byte) int { return len(b) }

// dnsReply answers with one A record, 192.0.2.1. The request holds one question.
func dnsReply(b []byte) int {
	if len(b) < 17 {
		return 0
	}
	end := 12
	for end < len(b) && b[end] != 0 {
		end += int(b[end]) + 1
	}
	end += 5 // the root, type and class
	if end > len(b) {
		return 0
	}
	b[2], b[3] = b[2]|0x84, 0 // QR and AA
	binary.BigEndian.PutUint16(b[6:], 1)
	binary.BigEndian.PutUint32(b[8:], 0)
	answer := []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1}
	return copy(b[end:cap(b)], answer) + end
}

// ntpReply answers as a server of stratum 2 whose clock is this one's.
func ntpReply(b []byte) int {
	if len(b) < 48 {
		return 0
	}
	now := time.Now()
	stamp := uint64(now.Unix()+2_208_988_800)<<32 | uint64(now.Nanosecond())<<32/1e9
	b[0] = b[0]&0x38 | 4
	b[1], b[2], b[3] = 2, 6, 0xe8 // stratum, poll, precision
	binary.BigEndian.PutUint32(b[4:], 0)
	binary.BigEndian.PutUint32(b[8:], 0x10)
	copy(b[12:16], []byte{192, 0, 2, 1})
	copy(b[24:32], b[40:48]) // origin
	for _, at := range []int{16, 32, 40} {
		binary.BigEndian.PutUint64(b[at:], stamp)
	}
	return 48
}

// listenTCP has a backlog for all connections that may come at once.
func listenTCP() (net.Listener, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	if err := unix.Bind(fd, &unix.SockaddrInet4{}); err != nil {
		return nil, err
	}
	if err := unix.Listen(fd, 16384); err != nil {
		return nil, err
	}
	return net.FileListener(f)
}

// hangUp waits for the client's end, so that the connection's last state is the client's.
func hangUp(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	c.Read(make([]byte, 1))
}

func answerHTTP(c net.Conn) {
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 0, 2048)
	for !strings.HasSuffix(string(b), "\r\n\r\n") {
		n, err := c.Read(b[len(b):cap(b)])
		if err != nil || n == 0 {
			return
		}
		b = b[:len(b)+n]
	}
	c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"))
}
