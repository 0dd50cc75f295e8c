package host

import (
	"slices"
	"testing"
)

func TestOtherHosts(t *testing.T) {
	own := []string{"192.0.2.1", "10.0.0.1", "2001:db8::1"}
	for _, c := range []struct {
		listen, advertise, url string
		want                   []string
	}{
		{"0.0.0.0:4222", "", "tls://192.0.2.1:4222", []string{"10.0.0.1", "2001:db8::1"}},
		{":4222", "", "tls://192.0.2.1:4222", []string{"10.0.0.1", "2001:db8::1"}},
		{"[::]:4222", "", "tls://[2001:db8::1]:4222", []string{"192.0.2.1", "10.0.0.1"}},
		{"192.0.2.1:4222", "", "tls://192.0.2.1:4222", nil},
		{"127.0.0.1:4222", "", "nats://127.0.0.1:4222", nil},
		{"0.0.0.0:4222", "broker.example.org", "tls://broker.example.org:4222", nil},
	} {
		if got := otherHosts(c.listen, c.advertise, c.url, own); !slices.Equal(got, c.want) {
			t.Errorf("otherHosts(%q, %q, %q) = %q, want %q", c.listen, c.advertise, c.url, got, c.want)
		}
	}
}
