package foreign_test

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
	"testing"

	"flowbot/service"
	"flowbot/service/foreign"
)

// entry is one of a test's archive; a name with a slash at its end is a folder.
type entry struct {
	name    string
	content string
	header  func(*zip.FileHeader) // may change it before it is written
}

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.header != nil {
			e.header(h)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(e.name, "/") {
			continue
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// patched changes bytes of the only entry's headers: the local one and that of
// the directory.
func patched(t *testing.T, b []byte, local, central int, change func(byte) byte) []byte {
	t.Helper()
	b = bytes.Clone(b)
	for header, at := range map[string]int{"PK\x03\x04": local, "PK\x01\x02": central} {
		i := bytes.Index(b, []byte(header))
		if i < 0 {
			t.Fatalf("no header %q", header)
		}
		b[i+at] = change(b[i+at])
	}
	return b
}

// TestAnEntryThatLiesIsBroken has sizes and sums that are not true.
func TestAnEntryThatLiesIsBroken(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{})
	whole := archive(t, entry{name: "1.jpg", content: string(encodeJPEG(t, drawing(198, 280)))})
	for name, b := range map[string][]byte{
		"another sum":    patched(t, whole, 14, 16, func(b byte) byte { return b + 1 }),
		"a smaller size": patched(t, whole, 22, 24, func(b byte) byte { return b - 1 }),
		"another method": patched(t, whole, 8, 10, func(byte) byte { return 99 }),
	} {
		got, _, err := takePages(t, r, b)
		if err != nil || len(got) != 1 || got[0].Refusal != service.ReasonFileBroken || got[0].Name != "1.jpg" || len(got[0].content) != 0 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAnEntryHasItsNameOfWindows(t *testing.T) {
	t.Parallel()
	dos := entry{name: "\x9d-1.pdf", content: "x", header: func(h *zip.FileHeader) { h.NonUTF8 = true }}
	got, _, err := takePages(t, newReader(t, foreign.Options{}), archive(t, dos))
	if err != nil || len(got) != 1 || got[0].Name != "Э-1.pdf" {
		t.Errorf("%+v, %v", got, err)
	}
}
