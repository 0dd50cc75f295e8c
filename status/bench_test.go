package status

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"netmon/judge"
	"netmon/wire"
)

// large is a page of so many services with a past.
func large(n int) *world {
	w := newWorld()
	var names []string
	for i := range n {
		name := fmt.Sprintf("service-%03d", i)
		w.monitor(name, fmt.Sprintf("Heading %d", i/10), fmt.Sprintf("Service %d", i), judge.Up)
		names = append(names, name)
	}
	w.past(names...)
	for i := range 30 {
		w.wrong(fmt.Sprint(i), member(names[i], wire.SeverityDown, 1e12*1, 9e11))
	}
	w.Settings = shop().Settings
	return w
}

// BenchmarkCompose is what it costs to find out whether the page of 100 services is another one.
func BenchmarkCompose(b *testing.B) {
	w := large(100)
	for b.Loop() {
		Compose(w.Facts, Options{})
	}
}

// BenchmarkMake is what another page of 100 services costs, all files of it.
func BenchmarkMake(b *testing.B) {
	w := large(100)
	p := Compose(w.Facts, Options{})
	for b.Loop() {
		if _, err := Make(&p, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkServe is an answer without the network.
func BenchmarkServe(b *testing.B) {
	p := Compose(large(100).Facts, Options{})
	s, err := Make(&p, nil)
	if err != nil {
		b.Fatal(err)
	}
	k := &Keeper{}
	k.site.Store(&s)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	b.ReportMetric(float64(len(s["index.html"].Packed)), "B/page")
	for b.Loop() {
		k.ServeHTTP(httptest.NewRecorder(), r)
	}
}
