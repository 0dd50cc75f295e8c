package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

func goVersion() string { return runtime.Version() }
func cores() int        { return runtime.NumCPU() }

// lateness of what should have happened at a time, ms.
type lateness struct{ P50, P99 float64 }

func latenessOf(late []time.Duration) (l lateness) {
	if len(late) == 0 {
		return l
	}
	slices.Sort(late)
	ms := func(percent int) float64 {
		return float64(late[(len(late)*percent+99)/100-1].Microseconds()) / 1000
	}
	return lateness{ms(50), ms(99)}
}

// runTimer measures the machine's own timer floor: how late a process that does
// nothing but wait for the next 5 ms wakes up. It prints it for each line that
// it reads, of the time since the previous one, and ends with its input.
func runTimer([]string) error {
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			asked <- struct{}{}
		}
	}()
	const step = 5 * time.Millisecond
	out := json.NewEncoder(os.Stdout)
	var late []time.Duration
	for next := time.Now().Add(step); ; next = next.Add(step) {
		time.Sleep(time.Until(next))
		now := time.Now()
		late = append(late, now.Sub(next))
		if now.Sub(next) > step { // the ticks that passed meanwhile are not waited for
			next = now
		}
		select {
		case _, ok := <-asked:
			if !ok {
				return nil
			}
			if err := out.Encode(latenessOf(late)); err != nil {
				return err
			}
			late = late[:0]
		default:
		}
	}
}

// runFloor makes the bare Go operation of a kind, evenly paced, until its input
// ends: floor KIND TARGETS EVERY PORTS. It is the most that a program could
// save: it schedules nothing, keeps nothing and delivers nothing.
func runFloor(args []string) error {
	if len(args) != 4 {
		return errors.New("floor KIND TARGETS EVERY PORTS")
	}
	l := loadOf(args[0])
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	every, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	var p ports
	if err := json.Unmarshal([]byte(args[3]), &p); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	op := bare(l, p)
	var free sync.Pool
	// A goroutine for each operation, at most so many at once: what is due
	// beyond that is left out, and the target's count shows it.
	places := make(chan struct{}, 1024)
	begin := time.Now()
	for i := 0; ; i++ {
		due := begin.Add(time.Duration(i) * every / time.Duration(n))
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
		}
		select {
		case <-ended:
			return nil
		case places <- struct{}{}:
		default:
			continue
		}
		go func() {
			defer func() { <-places }()
			buf, _ := free.Get().(*[2048]byte)
			if buf == nil {
				buf = new([2048]byte)
			}
			defer free.Put(buf)
			op(host(i%n), buf[:])
		}()
	}
}

// bare is the operation in the way that a Go programmer would write it.
func bare(l load, p ports) func(host string, buf []byte) error {
	exchange := func(port int, request []byte) func(string, []byte) error {
		return func(host string, buf []byte) error {
			c, err := net.Dial("udp", net.JoinHostPort(host, strconv.Itoa(port)))
			if err != nil {
				return err
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(time.Second))
			if _, err := c.Write(request); err != nil {
				return err
			}
			_, err = c.Read(buf)
			return err
		}
	}
	switch l.kind {
	case "udp":
		return exchange(p.UDP, []byte("hello"))
	case "dns":
		return exchange(p.DNS, []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x04test\x00\x00\x01\x00\x01"))
	case "ntp":
		return exchange(p.NTP, append([]byte{0x23}, make([]byte, 47)...))
	case "icmp":
		return bareEcho
	case "tcp":
		return func(host string, _ []byte) error {
			c, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(p.TCP)), time.Second)
			if err != nil {
				return err
			}
			return c.Close()
		}
	}
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return func(host string, buf []byte) error {
		r, err := client.Get(fmt.Sprintf("http://%s:%d/", host, p.HTTP))
		if err != nil {
			return err
		}
		defer r.Body.Close()
		_, err = io.CopyBuffer(io.Discard, r.Body, buf)
		return err
	}
}

// bareEcho opens a datagram ICMP socket, sends one request and waits for the reply.
func bareEcho(host string, buf []byte) error {
	c, err := icmp.ListenPacket("udp4", "0.0.0.0")
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	request, err := (&icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{Seq: 1, Data: make([]byte, 56)}}).Marshal(nil)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(request, &net.UDPAddr{IP: net.ParseIP(host)}); err != nil {
		return err
	}
	_, _, err = c.ReadFrom(buf)
	return err
}
