package foreign

import "io"

// Confine limits this process as a child does that may need poppler.
func Confine(memory, seconds int64) error {
	return confine(question{Memory: memory, CPU: seconds})
}

// PicturesOfPages lets the project's own reader of PDFs look for pages that are one
// JPEG, as a child does before it asks poppler. What it cannot read it leaves out.
func PicturesOfPages(r io.ReaderAt, size int64) (out [][]byte) {
	p, err := openPDF(r, size)
	if err != nil {
		return nil
	}
	found, err := p.pages(DefaultScanPages)
	if err != nil {
		return nil
	}
	for _, page := range found {
		img, err := p.onlyImage(page)
		if err != nil {
			continue
		}
		p.density(img)
		p.isGray(img)
		if b, err := p.jpegOf(img); err == nil && b != nil {
			out = append(out, b)
		}
	}
	return out
}
