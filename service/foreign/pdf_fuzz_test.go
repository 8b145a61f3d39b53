package foreign_test

import (
	"bytes"
	"strings"
	"testing"

	"flowbot/service/foreign"
)

// FuzzPDFPages lets the project's own reader look at anything for pages that are
// one picture. It may find nothing, as poppler draws what it does not find, but it
// must not panic, nor go on for ever. Without -fuzz it reads the seeds: files that
// are cut, spoiled, and tied in knots.
func FuzzPDFPages(f *testing.F) {
	for _, file := range [][]byte{
		document(3),
		scan(f),
		withObjectStream(stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", deflate(f, []byte(packedPage)))),
	} {
		f.Add(file)
		for at := 1; at < len(file); at += 1 + len(file)/40 {
			f.Add(file[:at])
			spoiled := bytes.Clone(file)
			spoiled[at] ^= 0x15
			f.Add(spoiled)
		}
	}
	for _, knot := range knottedPDFs() {
		f.Add(knot)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, picture := range foreign.PicturesOfPages(bytes.NewReader(file), int64(len(file))) {
			if len(picture) > len(file) && !bytes.Contains(file, []byte("FlateDecode")) {
				t.Errorf("a picture of %d bytes in a file of %d", len(picture), len(file))
			}
		}
	})
}

// knottedPDFs are files whose parts lead to themselves, and to more and more work.
func knottedPDFs() [][]byte {
	const catalog = "<< /Type /Catalog /Pages 2 0 R >>"
	one := []string{catalog, "<< /Type /Pages /Count 1 /Kids [3 0 R] >>"}
	leaf := "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>"
	form := func(dict, content string) string {
		return stream("/Type /XObject /Subtype /Form "+dict, []byte(content))
	}
	return [][]byte{
		assemble("1 0 R"),
		assemble(catalog, "2 0 R"),
		assemble(catalog, "<< /Kids 3 0 R >>", "[<< /Kids 3 0 R >> << /Kids 3 0 R >>]"),
		assemble(catalog, "<< /Kids 3 0 R >>", "[<< /MediaBox [0 0 9 9] >> << /Kids 3 0 R >> << /Kids 3 0 R >>]"),
		assemble(append(one, leaf, "4 0 R")...),
		assemble(append(one, leaf, "<< /Length 4 0 R >>\nstream\nq\nendstream")...),
		assemble(append(one, leaf, stream("", []byte("/I Do")), form("", "/I Do /I Do"))...),
		assemble(append(one, leaf, stream("", []byte("/I Do")), form("/Resources << /XObject << /I 5 0 R >> >>", strings.Repeat("/I Do ", 1000)))...),
		assemble(append(one, leaf, stream("", bytes.Repeat([]byte("q "), 5000)))...),
		assemble(append(one, leaf, stream("", bytes.Repeat([]byte("["), 5000)))...),
		assemble(append(one, leaf, stream("", bytes.Repeat([]byte("1 "), 5000)))...),
		assemble(append(one, leaf, stream("/Filter /FlateDecode", []byte("no")))...),
		assemble(append(one, leaf, stream("/DecodeParms << /Predictor 15 /Columns 1048577 >> /Filter /FlateDecode", []byte("no")))...),
		[]byte("startxref 0 %%EOF"), []byte("xref\n0 99999999\nstartxref 0 %%EOF"), []byte("xref 0 1 x x x trailer << /Prev 0 >> startxref 0 %%EOF"),
	}
}
