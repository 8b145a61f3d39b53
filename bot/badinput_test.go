package bot_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"flowbot/bot/emulator"
	"flowbot/service"
	"flowbot/service/foreign"
)

// locked is a PDF that asks for a password.
func locked(t *testing.T, data []byte) []byte {
	t.Helper()
	api.DisableConfigDir()
	var out bytes.Buffer
	if err := api.Encrypt(bytes.NewReader(data), &out, model.NewAESConfiguration("user", "owner", 256)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bomb is a small PDF whose page takes more than a quarter of a gigabyte.
func bomb(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	w, err := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 257 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	var at []int
	for i, o := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
		fmt.Sprintf("<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream", packed.Len(), packed.Bytes()),
	} {
		at = append(at, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := out.Len()
	out.WriteString("xref\n0 5\n0000000000 65535 f \n")
	for _, a := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", table)
	return out.Bytes()
}

// jpegOf is a grey JPEG.
func jpegOf(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: 128}.Y
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestBadFilesAreRefusedInOneSentence sends what cannot be used, one after the
// other. What was accepted before stays, and so does the step.
func TestBadFilesAreRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	const most = 350 << 10
	d := newDeskWith(t, deskOptions{foreign: foreign.Options{Pixels: 400 * 400, Pages: 1}, maxDownload: most})
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c)
	d.quietly()
	good := d.journal("журнал.pdf")
	d.says(olga, "Журнал и скриншоты")
	d.sends(olga, d.screenshot("верный.png", 9))

	pdf := func(name string, data []byte) emulator.Attachment {
		return emulator.Attachment{Name: name, MIME: "application/pdf", Data: data}
	}
	for _, bad := range []emulator.Attachment{
		pdf("не PDF.pdf", []byte("просто текст")),
		pdf("пустой.pdf", nil),
		pdf("обрезан.pdf", good.Data[:len(good.Data)/2]),
		pdf("с паролем.pdf", locked(t, good.Data)),
		pdf("бомба.pdf", bomb(t)),
		pdf("велик.pdf", make([]byte, most+50<<10)),
		pdf("снимок.pdf", jpegOf(t, 20, 20)),
		{Name: "огромный.jpg", MIME: "image/jpeg", Data: jpegOf(t, 500, 400)},
		{Name: "таблица.docx", Data: []byte("PK\x03\x04 документ")},
		{Name: "битый.png", MIME: "image/png", Data: d.screenshot("", 7).Data[:60]},
		photo(emulator.Attachment{Data: jpegOf(t, 500, 400)}),
		pdf("<b>&\"'../../etc/passwd\u202e\x07 🙂.pdf", []byte("нет")),
		pdf(strings.Repeat("ы", 300)+".pdf", []byte("нет")),
		pdf("", []byte("нет")),
	} {
		d.sends(olga, bad)
	}
	d.tg.Note("what is no file")
	olga.SendSticker()
	d.settle()
	olga.SendVoice()
	d.settle()
	olga.SendContact("+79990000000")
	d.settle()
	d.says(olga, "вот журнал")
	d.says(olga, "/unknown")
	d.tg.Note("and then all is well")
	d.sends(olga, good)
	d.presses(olga, "Готово")
	golden(t, "badinput_files", d.tg.Transcript())

	files, err := d.store.DraftFiles(t.Context(), d.actor(olga).PersonID, c.ID)
	if err != nil || len(files) != 2 {
		t.Errorf("%d files lie in the conversation, %v", len(files), err)
	}
}

// TestAFileWhereWordsAreAwaited sends all sorts of things to the question why a
// package is rejected.
func TestAFileWhereWordsAreAwaited(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.generated(olga, c)
	d.sent(olga, c)
	d.quietly()
	d.says(roman, "Взять на проверку")
	d.presses(roman, "Отклонить", "Отмена", "Отклонить")
	d.sends(roman, d.journal("замечания.pdf"))
	d.sends(roman, photo(d.screenshot("", 5)))
	roman.SendVoice()
	d.settle()
	d.says(roman, "\u200b")
	d.says(roman, strings.Repeat("🙂", 1001))
	roman.PressData("wp:9:0")
	d.settle()
	d.says(roman, "Журнал и скриншоты (нечитаемы), лист 2: <b>подпись</b> & печать \"М.П.\" 🙂")
	if got := d.status(); got != service.ActRejected {
		t.Errorf("the act is %s", got)
	}
	golden(t, "badinput_words", d.tg.Transcript())
}
