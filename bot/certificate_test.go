package bot_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"flowbot/service"
)

// TestCertificatesArePrinted is read best as its golden: all, a range, one again,
// a file once more.
func TestCertificatesArePrinted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	names := []string{"Яшин", "Ежов", "Ёлкин", "Жуков", "Абаев", "Белов", "Юсупов", "Каримов", "Ли", "Махмудов"}
	e := d.exam("Центр", "24-118", "2026-02-24", 11, func(n int, a *service.Application) {
		if n <= len(names) {
			numbered(n, a)
			a.LastName = names[n-1]
			return
		}
		a.Outcome = service.OutcomeAbsent
	})
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(e)
	d.centerData(anna)
	if _, err := d.exams.Centers.AddPrinter(t.Context(), d.actor(anna), d.orgs["Центр"].ID, "HP"); err != nil {
		t.Fatal(err)
	}

	d.says(anna, "Экзамен · 24-118")
	d.presses(anna, "Распечатать сертификаты")
	d.says(anna, "12-20")
	d.says(anna, "2–4")
	under, data := lastData(t, anna, "Готово")
	d.presses(anna, "Готово")
	if err := anna.PressOld(under, data); err != nil { // a tap too many
		t.Fatal(err)
	}
	d.settle()
	under, data = lastData(t, anna, "Распечатать (3)")
	d.presses(anna, "Распечатать (3)")
	if err := anna.PressOld(under, data); err != nil {
		t.Fatal(err)
	}
	d.settle()

	d.presses(anna, "Экзамен · 24-118", "Распечатать сертификаты", "Снять всех", "Готово", "Выбрать всех", "✓ 1. Абаев Алишер · 24-118-05", "Дальше →")
	d.says(anna, "готово")
	d.presses(anna, "Назад", "Отмена")
	d.says(anna, "Распечатать сертификаты · 24-118")
	d.presses(anna, "Готово", "Распечатать (10)")

	d.says(anna, "Заявка · 24-118-04")
	d.presses(anna, "Распечатать сертификат", "Распечатать (1)", "Экзамен · 24-118", "История печати", "Файл печати № 2")
	d.says(anna, "Заявка · 24-118-04")
	d.presses(anna, "История")
	d.says(anna, "История экзамена")
	d.says(anna, "Заявка · 24-118-11")
	golden(t, "certificate_printed", d.tg.Transcript())
}

// TestTwoEmployeesPrintTheSame is read best as its golden: the second one is told
// who was first, and blanks are not spent twice.
func TestTwoEmployeesPrintTheSame(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.hire("center", "Центр", "Анна Центрова"), d.hire("second", "Центр", "Борис Центров")
	d.approved(d.exam("Центр", "24-118", "2026-02-24", 2, numbered))
	d.exam("Центр", "24-117", "2026-02-20", 1, passed)
	d.centerData(anna)

	d.says(anna, "Распечатать сертификаты · 24-117")
	d.says(anna, "Распечатать сертификаты · 24-118")
	d.presses(anna, "Готово")
	d.says(boris, "Распечатать сертификаты · 24-118")
	d.presses(boris, "Готово")
	d.presses(anna, "Распечатать (2)")
	d.presses(boris, "Распечатать (2)", "Распечатать сертификаты", "Готово", "Распечатать (2)")
	golden(t, "certificate_two", d.tg.Transcript())
}

// TestACertificateThatCannotBePrinted is read best as its golden: what is wrong
// is named, and nothing is half printed.
func TestACertificateThatCannotBePrinted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "24-118", "2026-02-24", 3, func(n int, a *service.Application) {
		numbered(n, a)
		if n == 2 {
			a.FirstName = "Али漢"
		}
	}))
	d.approved(d.exam("Центр", "24-119", "2026-02-25", 1, numbered, func(_ int, a *service.Application) {
		a.FirstName, a.MiddleName = strings.Repeat("Абдурахман", 12), strings.Repeat("Абдурахманович", 8)
	}))
	d.centerData(anna)

	d.says(anna, "Распечатать сертификаты · 24-118")
	d.presses(anna, "Готово", "Распечатать (3)", "Заявка · 24-118-02")
	d.says(anna, "Распечатать сертификаты · 24-118")
	d.says(anna, "1,3")
	d.presses(anna, "Готово", "Распечатать (2)")

	d.says(anna, "Распечатать сертификаты · 24-119")
	d.presses(anna, "Готово", "Распечатать (1)")

	d.says(anna, "ФИО подписанта")
	d.says(anna, "И. И. Мостова 漢")
	d.says(anna, strings.Repeat("Мостова-", 12)+"Мостова")
	d.says(anna, "Распечатать сертификаты · 24-118")
	d.says(anna, "1")
	d.presses(anna, "Готово", "Распечатать (1)", "Данные центра")
	d.says(anna, "История печати · 24-118")
	golden(t, "certificate_fault", d.tg.Transcript())
}

// TestAPrintingThatAWorkerCouldNotDraw is what whoever ordered it reads.
func TestAPrintingThatAWorkerCouldNotDraw(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	e := d.exam("Центр", "24-118", "2026-02-24", 1, numbered)
	d.approved(e)
	for _, fault := range []service.PrintFault{
		{Application: "24-118-01", Rune: "漢"},
		{Application: "24-118-01", Field: service.FieldAddress},
		{Application: "24-118-01", Field: service.FieldName, OffSheet: true},
	} {
		form, err := json.Marshal(service.CertificateForm{
			Exam: "24-118", Certificates: []service.Certificate{{Application: "24-118-01", Name: "Каримов01 Алишер 漢"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		why, err := json.Marshal(fault)
		if err != nil {
			t.Fatal(err)
		}
		err = d.store.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
			p := &service.Printing{
				ExamID: e.ID, Applications: []int64{d.application("24-118-01").ID}, Form: form, Fault: why,
				OrderedBy: d.actor(anna).PersonID, OrderedAt: d.at,
			}
			if err := tx.InsertPrinting(ctx, p); err != nil {
				return err
			}
			return tx.Enqueue(ctx, p.OrderedBy, service.CertificatesNotice{PrintingID: p.ID}, time.Time{})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.settle()
	d.says(anna, "История печати · 24-118")
	golden(t, "certificate_not_drawn", d.tg.Transcript())
}
