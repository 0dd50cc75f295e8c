package export

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAcceptedFormat(t *testing.T) {
	const proto = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	for accept, want := range map[string]Format{
		"":                         Text,
		"*/*":                      Text,
		"text/html,*/*;q=0.8":      Text,
		"text/plain":               Text,
		"text/plain;version=0.0.4": Text,
		"text/plain;version=9":     Text,
		"application/json":         Text,
		"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1":                                                                         OpenMetrics, // Prometheus 2.42
		proto + ",application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1":                                                          Protobuf,    // the same with native histograms
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*": Text,
		"application/openmetrics-text; version=\"1.0.0\"; charset=utf-8": OpenMetrics,
		"APPLICATION/OpenMetrics-Text;q=1":                               OpenMetrics,
		"application/openmetrics-text;version=2.0.0,text/plain;q=0.1":    Text,
		"text/plain;q=0.1," + proto + ";q=0.2":                           Protobuf,
		"text/plain;q=0.3, " + proto + " ; q=0.2":                        Text,
		proto + ";q=0":                    Text,
		proto + ";q=2":                    Text,
		proto + ";q=NaN":                  Text,
		proto + ";q=x":                    Text,
		"application/vnd.google.protobuf": Text,
		"application/vnd.google.protobuf;proto=other;encoding=delimited":                        Text,
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text": Text,
		";;;,,,=,": Text,
	} {
		if got := AcceptedFormat(http.Header{"Accept": {accept}}); got != want {
			t.Errorf("AcceptedFormat(%q) = %v, want %v", accept, got.ContentType(), want.ContentType())
		}
	}
	if got := AcceptedFormat(http.Header{"Accept": {"text/plain;q=0.5", "application/openmetrics-text"}}); got != OpenMetrics {
		t.Errorf("of two headers %v counts", got)
	}
}

func TestRespond(t *testing.T) {
	s, a := everyKind(t), newAnswers()
	answer := func(remote, accept, encoding string) *http.Response {
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.RemoteAddr = remote
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		a.respond(w, r, func(w *Writer) { s.Write(w, start) })
		return w.Result()
	}
	body := func(r io.Reader) []byte {
		t.Helper()
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for range 2 { // with what the first one left
		for accept, f := range map[string]Format{"text/plain": Text, "application/openmetrics-text": OpenMetrics, Protobuf.ContentType(): Protobuf} {
			want := written(s, f, start)
			plain := answer("127.0.0.1:1", accept, "gzip")
			if plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("Content-Type") != f.ContentType() {
				t.Errorf("to this host: %v", plain.Header)
			}
			if got := body(plain.Body); !bytes.Equal(got, want) {
				t.Errorf("%v: %d bytes, want %d", f.ContentType(), len(got), len(want))
			}
			packed := answer("192.0.2.1:1", accept, "deflate, gzip;q=0.5")
			if packed.Header.Get("Content-Encoding") != "gzip" {
				t.Fatalf("to another host: %v", packed.Header)
			}
			z, err := gzip.NewReader(packed.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := body(z); !bytes.Equal(got, want) {
				t.Errorf("packed %v: %d bytes, want %d", f.ContentType(), len(got), len(want))
			}
			if none := answer("192.0.2.1:1", accept, ""); none.Header.Get("Content-Encoding") != "" {
				t.Errorf("who cannot unpack gets %v", none.Header)
			}
		}
	}
}
