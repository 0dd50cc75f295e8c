package main

import (
	"crypto/x509"
	"encoding/pem"
	"testing"
)

// TestNegativeSerial: what this binary measures takes certificates whose serial
// number is negative, as other clients do (the go:debug line of main.go).
func TestNegativeSerial(t *testing.T) {
	block, _ := pem.Decode([]byte(negativeSerial))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if c.SerialNumber.Sign() >= 0 {
		t.Errorf("serial number %v, want a negative one", c.SerialNumber)
	}
}

// negativeSerial is by OpenSSL: x509 -req -set_serial -0x1234.
const negativeSerial = `-----BEGIN CERTIFICATE-----
MIIBEDCBtwIC7cwwCgYIKoZIzj0EAwIwDTELMAkGA1UEAwwCQ0EwHhcNMjYxMTMw
MDQ1NDI1WhcNMjcwMjE4MDQ1NDI1WjAbMRkwFwYDVQQDDBBuZWdhdGl2ZS5leGFt
cGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAESVHlZYjJqJAtuM44RdweoQrZ
WATxxynowKL7+HaEZdLL0b6J6TT0hfHBDso7ms7TKox8LCWV6CQFHwMYKqMUvDAK
BggqhkjOPQQDAgNIADBFAiA8jUkUTQ40s+nD3jyqKBSeqRnS1I0ZDwDal0oHQcqg
jQIhAKszkaW9apvmt6jOJG5dzGFDyNtGkJ72WxPmTrCVEZVY
-----END CERTIFICATE-----
`
