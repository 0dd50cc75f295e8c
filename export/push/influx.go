package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"netmon/probes"
)

// influx sends by InfluxDB's line protocol, to its API of version 1 or 2.
type influx struct {
	*receiver
	to      *url.URL
	encoder lineEncoder
	packer  packer
}

// Influx is a destination that takes InfluxDB's line protocol: /write?db=NAME, or
// /api/v2/write?org=NAME&bucket=NAME with a token.
func Influx(e Endpoint, kinds probes.List, tags *Tags) (Destination, error) {
	r, err := newReceiver(e, "Token", "", "http://127.0.0.1:8086/write?db=netmon")
	if err != nil {
		return Destination{}, err
	}
	to := *r.url
	query := to.Query()
	switch {
	case query.Get("db") == "" && query.Get("bucket") == "":
		return Destination{}, fmt.Errorf("want where to write in the URL, such as http://127.0.0.1:8086/write?db=netmon or http://127.0.0.1:8086/api/v2/write?org=shop&bucket=netmon, got %q", r.name)
	case to.Path == "" || to.Path == "/":
		to.Path = "/write"
		if query.Get("bucket") != "" {
			to.Path = "/api/v2/write"
		}
	}
	query.Set("precision", "ns")
	to.RawQuery = query.Encode()
	return Destination{Name: "InfluxDB at " + r.name, File: r.file("influx"), Sink: &influx{receiver: r, to: &to, encoder: newLineEncoder(kinds, tags), packer: newPacker("text/plain; charset=utf-8", r.url)},
		Most: 2000, Every: time.Second, Repeats: true, Warning: r.warning()}, nil
}

// ping writes no point.
func (i *influx) ping(ctx context.Context) error {
	body, err := i.packer.pack([]byte("# netmon\n"))
	if err != nil {
		return err
	}
	a, err := i.post(ctx, i.to, i.packer.header, body)
	if err != nil {
		return err
	}
	return a.err()
}

func (i *influx) Send(ctx context.Context, b *Batch) error {
	lines := i.encoder.encode(b)
	if len(lines) == 0 {
		return nil
	}
	body, err := i.packer.pack(lines)
	if err != nil {
		return err
	}
	a, err := i.post(ctx, i.to, i.packer.header, body)
	if err != nil {
		return err
	}
	if a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity {
		if n := droppedBy(a.body); n > 0 {
			return &Refusal{Reason: invalid, Err: errors.New(a.text), Dropped: n}
		}
	}
	return a.err()
}

var (
	partialWrite = regexp.MustCompile(`partial write`)
	droppedCount = regexp.MustCompile(`dropped=(\d+)`)
)

// droppedBy is how many points a receiver left out that wrote the others, 0 where it
// wrote none.
func droppedBy(answer []byte) int {
	if !partialWrite.Match(answer) {
		return 0
	}
	if m := droppedCount.FindSubmatch(answer); m != nil {
		if n, err := strconv.Atoi(string(m[1])); err == nil && n > 0 {
			return n
		}
		return 0
	}
	return max(1, bytes.Count(answer, []byte("unable to parse")))
}
