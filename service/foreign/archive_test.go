package foreign_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

type unpacked struct {
	Name, Content string
	Refusal       service.Reason
}

func unpack(t *testing.T, r *foreign.Reader, b []byte) ([]unpacked, error) {
	t.Helper()
	var out []unpacked
	err := r.Unpack(t.Context(), save(t, b), func(e service.ArchiveEntry, content io.Reader) error {
		got, err := io.ReadAll(content)
		if int64(len(got)) != e.Size {
			t.Errorf("%s has %d bytes, told are %d", e.Name, len(got), e.Size)
		}
		out = append(out, unpacked{e.Name, string(got), e.Refusal})
		return err
	})
	return out, err
}

func TestAnArchiveIsUnpackedInItsOrder(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{PDFBytes: 1 << 20})
	dos := entry{name: "\x9d-1.pdf", content: "code page 866", header: func(h *zip.FileHeader) { h.NonUTF8 = true }}
	got, err := unpack(t, r, archive(t,
		entry{name: "118-02.pdf", content: "second\nwith lines\n"}, entry{name: "118-01.pdf", content: "first"}, dos,
		entry{name: ".DS_Store", content: "litter"}, entry{name: "__MACOSX/._118-01.pdf", content: "litter"},
		entry{name: "empty.pdf"}, entry{name: "large.pdf", content: noise(1<<20 + 1)},
	))
	if err != nil {
		t.Fatal(err)
	}
	want := []unpacked{
		{"118-02.pdf", "second\nwith lines\n", ""},
		{"118-01.pdf", "first", ""},
		{"Э-1.pdf", "code page 866", ""},
		{"empty.pdf", "", service.ReasonFileEmpty},
		{"large.pdf", "", service.ReasonFileTooBig},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// noise is what cannot be packed.
func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.UintN(256))
	}
	return string(b)
}

func TestAnArchiveThatIsNoneOfScansIsRefused(t *testing.T) {
	t.Parallel()
	plain := entry{name: "118-01.pdf", content: "scan"}
	many := make([]entry, 601)
	for i := range many {
		many[i] = entry{name: fmt.Sprintf("%d.pdf", i), content: "x"}
	}
	heavy := make([]entry, 15)
	for i := range heavy { // packed 130 times, which one alone may be
		heavy[i] = entry{name: fmt.Sprintf("%d.pdf", i), content: noise(100_000) + strings.Repeat("0", 15<<20)}
	}
	tests := []struct {
		name   string
		file   []byte
		reason service.Reason
		entry  string
	}{
		{"no archive", []byte("%PDF-1.7"), service.ReasonArchiveNotZip, ""},
		{"a cut one", archive(t, plain)[:40], service.ReasonArchiveNotZip, ""},
		{"an empty one", archive(t), service.ReasonArchiveEmpty, ""},
		{"litter alone", archive(t, entry{name: ".DS_Store", content: "x"}), service.ReasonArchiveEmpty, ""},
		{"a folder", archive(t, plain, entry{name: "сканы/"}), service.ReasonArchiveFolder, "сканы/"},
		{"a file in a folder", archive(t, entry{name: "сканы/1.pdf"}), service.ReasonArchiveFolder, "сканы/1.pdf"},
		{"a file in a folder of Windows", archive(t, entry{name: `сканы\1.pdf`}), service.ReasonArchiveFolder, `сканы\1.pdf`},
		{"a way out", archive(t, entry{name: "../../1.pdf"}), service.ReasonArchivePath, "../../1.pdf"},
		{"a way out of Windows", archive(t, entry{name: `..\1.pdf`}), service.ReasonArchivePath, `..\1.pdf`},
		{"a way out through litter", archive(t, entry{name: "__MACOSX/../../1.pdf"}), service.ReasonArchivePath, "__MACOSX/../../1.pdf"},
		{"an absolute path", archive(t, entry{name: "/1.pdf"}), service.ReasonArchivePath, "/1.pdf"},
		{"a drive", archive(t, entry{name: `C:\1.pdf`}), service.ReasonArchivePath, `C:\1.pdf`},
		{"a link", archive(t, entry{name: "1.pdf", header: func(h *zip.FileHeader) { h.SetMode(os.ModeSymlink | 0o777) }}), service.ReasonArchiveOddEntry, "1.pdf"},
		{"no name", archive(t, entry{name: " "}), service.ReasonArchiveOddEntry, ""},
		{"an archive by name", archive(t, entry{name: "1.RAR", content: "x"}), service.ReasonArchiveNested, "1.RAR"},
		{"an archive by content", archive(t, entry{name: "1.pdf", content: string(archive(t, plain))}), service.ReasonArchiveNested, "1.pdf"},
		{"a name twice", archive(t, plain, entry{name: "118-01.PDF"}), service.ReasonArchiveTwice, "118-01.PDF"},
		{"a password", patched(t, archive(t, plain), 6, 8, func(b byte) byte { return b | 1 }), service.ReasonArchiveLocked, "118-01.pdf"},
		{"a bomb", archive(t, entry{name: "1.pdf", content: strings.Repeat("0", 8<<20)}), service.ReasonArchiveSwelling, "1.pdf"},
		{"too many files", archive(t, many...), service.ReasonArchiveTooMany, ""},
		{"too much", archive(t, heavy...), service.ReasonArchiveTooLarge, ""},
	}
	r := newReader(t, foreign.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := unpack(t, r, tt.file)
			var refusal *service.Error
			if !errors.As(err, &refusal) || refusal.Kind != service.Invalid || refusal.Reason != tt.reason {
				t.Fatalf("%v, want %s", err, tt.reason)
			}
			fault, ok := refusal.Data.(service.ArchiveFault)
			if tt.entry != "" && (!ok || fault.Name != tt.entry) {
				t.Errorf("names %+v, want %q", refusal.Data, tt.entry)
			}
			if len(got) != 0 {
				t.Errorf("%d files are taken", len(got))
			}
		})
	}
}

// TestAnEntryThatLiesIsBroken has sizes and sums that are not true.
func TestAnEntryThatLiesIsBroken(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{})
	whole := archive(t, entry{name: "1.pdf", content: strings.Repeat("scan ", 100)})
	for name, b := range map[string][]byte{
		"another sum":    patched(t, whole, 14, 16, func(b byte) byte { return b + 1 }),
		"a smaller size": patched(t, whole, 22, 24, func(b byte) byte { return b - 1 }),
		"another method": patched(t, whole, 8, 10, func(byte) byte { return 99 }),
	} {
		got, err := unpack(t, r, b)
		if err != nil || len(got) != 1 || got[0].Refusal != service.ReasonFileBroken || got[0].Content != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestUnpackingEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{})
	ours := errors.New("no room")
	err := r.Unpack(t.Context(), save(t, archive(t, entry{name: "1.pdf", content: noise(1 << 20)}, entry{name: "2.pdf", content: "x"})),
		func(service.ArchiveEntry, io.Reader) error { return ours })
	if !errors.Is(err, ours) {
		t.Errorf("%v, want %v", err, ours)
	}
}
