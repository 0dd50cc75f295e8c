package main

import (
	"encoding/binary"
	"slices"
	"testing"
)

// message is one of netlink, of the queue's kinds, with attributes behind the
// generic header.
func message(kind uint16, attrs ...[]byte) []byte {
	b := make([]byte, 20)
	for _, a := range attrs {
		b = append(b, a...)
	}
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	return b
}

func attr(kind uint16, data ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(data)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), data...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

func TestPacketIDs(t *testing.T) {
	one := message(queuePacket, attr(10, 1, 2, 3, 4, 5), attr(attrHeader, 0, 0, 0, 7, 8, 0, 3))
	two := message(queuePacket, attr(attrHeader, 0, 0, 1, 0, 8, 0, 3))
	other := message(queueConfig, attr(attrHeader, 0, 0, 0, 9, 8, 0, 3))
	for name, c := range map[string]struct {
		read []byte
		want []uint32
	}{
		"one":                     {one, []uint32{7}},
		"several in one read":     {slices.Concat(one, other, two), []uint32{7, 256}},
		"of another kind":         {other, nil},
		"cut":                     {one[:len(one)-1], nil},
		"an attribute too long":   {message(queuePacket, []byte{255, 0, 1, 0}), nil},
		"an attribute too short":  {message(queuePacket, []byte{0, 0, 1, 0}), nil},
		"a length that is a lie":  {append([]byte{255, 255, 0, 0}, one[4:]...), nil},
		"a length of nothing":     {append([]byte{0, 0, 0, 0}, one[4:]...), nil},
		"nothing":                 {nil, nil},
		"an id that is too short": {message(queuePacket, attr(attrHeader, 1, 2)), nil},
	} {
		var got []uint32
		for _, id := range packetIDs(c.read) {
			got = append(got, binary.BigEndian.Uint32(id))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: packets %v, want %v", name, got, c.want)
		}
	}
}
