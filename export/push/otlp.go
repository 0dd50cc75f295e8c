package push

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"netmon/probes"
)

// otlp sends by OTLP over HTTP, protobuf: samples and latencies to /v1/metrics, changes of
// verdicts to /v1/logs.
type otlp struct {
	*receiver
	metrics, logs *url.URL
	encoder       otlpEncoder
	packer        packer

	noLogs time.Time // until when the receiver is not asked for logs again
}

// OTLP is a destination that takes OTLP over HTTP. The URL is the receiver's without
// /v1/metrics, such as http://127.0.0.1:4318.
func OTLP(e Endpoint, kinds probes.List, tags *Tags) (Destination, error) {
	r, err := newReceiver(e, "Bearer", "", "http://127.0.0.1:4318")
	if err != nil {
		return Destination{}, err
	}
	at := func(path string) *url.URL {
		u := *r.url
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v1/metrics"), "/")
		u.Path, u.RawPath = base+path, ""
		return &u
	}
	o := &otlp{receiver: r, metrics: at("/v1/metrics"), logs: at("/v1/logs"), encoder: newOTLPEncoder(kinds, tags, e.Version), packer: newPacker("application/x-protobuf", r.url)}
	return Destination{Name: "OTLP to " + r.name, File: r.file("otlp"), Sink: o, Most: 1000, Every: 5 * time.Second, Apart: true, Warning: r.warning()}, nil
}

// logsAgain is after how long a receiver that has no place for logs is asked again.
const logsAgain = time.Hour

// Send sends a batch with results or with verdicts: [Destination.Apart].
func (o *otlp) Send(ctx context.Context, b *Batch) error {
	if body := o.encoder.metrics(b); len(body) > 0 {
		if err := o.request(ctx, o.metrics, body); err != nil {
			return err
		}
	}
	body := o.encoder.logs(b)
	if len(body) == 0 {
		return nil
	}
	if time.Now().After(o.noLogs) {
		err := o.request(ctx, o.logs, body)
		if !errors.Is(err, errNoPlace) {
			return err
		}
		o.noLogs = time.Now().Add(logsAgain) // such as Prometheus
	}
	return &Refusal{Reason: noLogs, Err: fmt.Errorf("%w: the receiver takes no logs: it is asked again after %v", errNoPlace, logsAgain), Dropped: len(b.Verdicts)}
}

// ping sends no metric.
func (o *otlp) ping(ctx context.Context) error { return o.request(ctx, o.metrics, nil) }

// errNoPlace says that the receiver knows metrics and no logs.
var errNoPlace = errors.New("404 Not Found")

func (o *otlp) request(ctx context.Context, to *url.URL, body []byte) error {
	packed, err := o.packer.pack(body)
	if err != nil {
		return err
	}
	a, err := o.post(ctx, to, o.packer.header, packed)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNotFound && to == o.logs:
		return errNoPlace
	case a.status < 200 || a.status > 299:
		return a.err()
	}
	if n, text := rejected(a.body); n > 0 {
		text = printable(o.secrets.conceal(cmp.Or(text, "the receiver gives no reason")))
		return &Refusal{Reason: invalid, Err: errors.New(text), Dropped: n}
	}
	return nil
}

// rejected reads the partial_success of an answer: how many points or records were left
// out. What is no such answer rejects nothing.
func rejected(body []byte) (n int, text string) {
	_ = eachField(body, func(field int, _ uint64, data []byte) {
		if field != 1 {
			return
		}
		_ = eachField(data, func(field int, number uint64, data []byte) {
			switch field {
			case 1:
				n = int(min(number, 1<<31))
			case 2:
				text = string(data)
			}
		})
	})
	return n, text
}
