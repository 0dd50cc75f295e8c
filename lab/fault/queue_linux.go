package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// slowQueue is the number of the queue; each network namespace has its own.
const slowQueue = 77

// Of linux/netfilter/nfnetlink_queue.h and nfnetlink.h.
const (
	queuePacket   = unix.NFNL_SUBSYS_QUEUE << 8
	queueVerdict  = unix.NFNL_SUBSYS_QUEUE<<8 + 1
	queueConfig   = unix.NFNL_SUBSYS_QUEUE<<8 + 2
	attrHeader    = 1 // of a packet
	attrVerdict   = 2
	attrCommand   = 1 // of a configuration
	attrCopy      = 2
	attrMaxLength = 3
	verdictDrop   = 0
	verdictAccept = 1
)

// queue are packets that the kernel asks about: it keeps them, and we say when
// they may continue.
type queue struct {
	fd     int
	number uint16
	from   unix.SockaddrNetlink
}

// openQueue binds to a queue of the calling thread's network namespace.
func openQueue(number uint16) (*queue, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	q := &queue{fd: fd, number: number, from: unix.SockaddrNetlink{Family: unix.AF_NETLINK}}
	bind := []byte{1, 0, 0, 0}
	copyMeta := []byte{0, 0, 0, 0, 1}
	err = errors.Join(
		unix.Bind(fd, &q.from),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000}),
		q.send(queueConfig, unix.NLM_F_ACK, attrCommand, bind),
		q.acknowledged(),
		q.send(queueConfig, unix.NLM_F_ACK, attrCopy, copyMeta),
		q.acknowledged(),
		q.send(queueConfig, unix.NLM_F_ACK, attrMaxLength, binary.BigEndian.AppendUint32(nil, 1<<16)),
		q.acknowledged(),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("bind to queue %d: %w", number, err)
	}
	return q, nil
}

func (q *queue) close() { unix.Close(q.fd) }

// send writes one message with one attribute.
func (q *queue) send(kind, flags, attr uint16, data []byte) error {
	size := 16 + 4 + 4 + len(data)
	b := make([]byte, 0, size+3)
	b = binary.NativeEndian.AppendUint32(b, uint32((size+3)&^3))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, unix.NLM_F_REQUEST|flags)
	b = append(b, make([]byte, 8)...) // sequence number and port are not used
	b = append(b, unix.AF_UNSPEC, 0)
	b = binary.BigEndian.AppendUint16(b, q.number)
	b = binary.NativeEndian.AppendUint16(b, uint16(4+len(data)))
	b = binary.NativeEndian.AppendUint16(b, attr)
	b = append(b, data...)
	b = append(b, make([]byte, (4-len(b)%4)%4)...)
	return unix.Sendto(q.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// acknowledged reads the kernel's answer to a configuration.
func (q *queue) acknowledged() error {
	b := make([]byte, 4096)
	n, _, err := unix.Recvfrom(q.fd, b, 0)
	if err != nil {
		return err
	}
	if n < 20 || binary.NativeEndian.Uint16(b[4:]) != unix.NLMSG_ERROR {
		return errors.New("the kernel gives no acknowledgement")
	}
	if code := int32(binary.NativeEndian.Uint32(b[16:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// hold keeps each packet for a while, in order, and drops a part of them, until
// ctx ends; then those that wait go at once.
func (q *queue) hold(ctx context.Context, delay time.Duration, loss float64) error {
	type held struct {
		id  []byte
		due time.Time
	}
	waiting := make(chan held, 1<<16) // as long as the kernel's queue
	var wg sync.WaitGroup
	wg.Go(func() {
		for h := range waiting {
			pause(ctx, time.Until(h.due))
			q.send(queueVerdict, 0, attrVerdict, append(binary.BigEndian.AppendUint32(nil, verdictAccept), h.id...))
		}
	})
	defer wg.Wait()
	defer close(waiting)
	b := make([]byte, 1<<16)
	for ctx.Err() == nil {
		n, _, err := unix.Recvfrom(q.fd, b, 0)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR || err == unix.ENOBUFS:
			continue
		case err != nil:
			return err
		}
		for _, id := range packetIDs(b[:n]) {
			if rand.Float64() < loss {
				q.send(queueVerdict, 0, attrVerdict, append(binary.BigEndian.AppendUint32(nil, verdictDrop), id...))
				continue
			}
			waiting <- held{id, time.Now().Add(delay)}
		}
	}
	return nil
}

// packetIDs are the ids, as the kernel writes them, of the packets in what was read.
func packetIDs(b []byte) (ids [][]byte) {
	for len(b) >= 20 {
		size := int(binary.NativeEndian.Uint32(b))
		if size < 20 || size > len(b) {
			return ids
		}
		if binary.NativeEndian.Uint16(b[4:]) == queuePacket {
			for a := b[20:size]; len(a) >= 4; {
				n, kind := int(binary.NativeEndian.Uint16(a)), binary.NativeEndian.Uint16(a[2:])
				if n < 4 || n > len(a) {
					break
				}
				if kind&0x3fff == attrHeader && n >= 8 {
					ids = append(ids, append([]byte(nil), a[4:8]...))
				}
				a = a[min(len(a), (n+3)&^3):]
			}
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	return ids
}
