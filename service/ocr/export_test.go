package ocr

import "testing"

// IsSound reports whether a JPEG decodes without a fault, as libjpeg-turbo sees it:
// stricter than the standard library, and no slower with the race detector.
func IsSound(tb testing.TB, data []byte) bool {
	tb.Helper()
	d, err := newDecoder()
	if err != nil {
		tb.Fatal(err)
	}
	return d.isSound(data)
}
