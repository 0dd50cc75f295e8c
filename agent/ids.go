package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strconv"
)

// ids names results for the stream, which stores one message for each id. The
// stream does not ask who uses an id, and everybody who reads results sees the
// epoch, the number and the id of each: so an id is made with the spool's
// secret, and nobody else can use the next one up.
type ids struct {
	agent string
	after uint64 // records up to this one may be on their way under the earlier ids
	mac   hash.Hash
	in    [28]byte // epoch, number, attempt
	sum   [sha256.Size]byte
}

// idBytes of the HMAC are the id: to guess one of 2^128 is hopeless, and two of
// the million that the stream remembers at most are never the same.
const idBytes = 16

func newIDs(agent string, key []byte, after uint64) ids {
	return ids{agent: agent, after: after, mac: hmac.New(sha256.New, key)}
}

// of is the id of a result: 22 characters. Of the next attempt it is another one.
func (x *ids) of(it *item) string {
	if it.again && it.attempt == 0 && it.Seq <= x.after {
		return x.agent + "-" + it.Epoch + "-" + strconv.FormatUint(it.Seq, 10)
	}
	in := append(x.in[:0], it.Epoch...)
	in = binary.BigEndian.AppendUint64(in, it.Seq)
	in = binary.BigEndian.AppendUint32(in, it.attempt)
	x.mac.Reset()
	x.mac.Write(in)
	sum := x.mac.Sum(x.sum[:0])
	var out [(idBytes*8 + 5) / 6]byte
	base64.RawURLEncoding.Encode(out[:], sum[:idBytes])
	return string(out[:])
}
