package export

import (
	"net/http"
	"strconv"
	"strings"
)

// Format is one of those of /metrics.
type Format uint8

// The formats.
const (
	Text        Format = iota // Prometheus text format 0.0.4
	OpenMetrics               // OpenMetrics 1.0.0, with exemplars
	Protobuf                  // io.prometheus.client.MetricFamily, each with its length before it; with native histograms
)

// ContentType is the format's, for the header of an answer.
func (f Format) ContentType() string {
	switch f {
	case OpenMetrics:
		return "application/openmetrics-text; version=1.0.0; charset=utf-8"
	case Protobuf:
		return "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
	}
	return "text/plain; version=0.0.4; charset=utf-8"
}

// AcceptedFormat is the format that a request asks for most, by its header Accept: text where
// it asks for none of them.
func AcceptedFormat(h http.Header) Format {
	best, most := Text, 0.0
	for _, header := range h.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			if f, q, ok := acceptedPart(part); ok && q > most {
				best, most = f, q
			}
		}
	}
	return best
}

// acceptedPart is one part of Accept: a media type, and how much it is wanted.
func acceptedPart(part string) (f Format, q float64, ok bool) {
	media, rest, _ := strings.Cut(part, ";")
	q = 1
	params := map[string]string{}
	for param := range strings.SplitSeq(rest, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		params[strings.ToLower(name)] = strings.Trim(value, `"`)
	}
	if value, is := params["q"]; is {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || n < 0 || n > 1 {
			return 0, 0, false
		}
		q = n
	}
	version := params["version"]
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "application/vnd.google.protobuf":
		return Protobuf, q, params["proto"] == "io.prometheus.client.MetricFamily" && params["encoding"] == "delimited"
	case "application/openmetrics-text":
		return OpenMetrics, q, version == "" || version == "1.0.0" || version == "0.0.1"
	case "text/plain":
		return Text, q, version == "" || version == "0.0.4" || version == "1.0.0"
	case "text/*", "*/*":
		return Text, q, true
	}
	return 0, 0, false
}
