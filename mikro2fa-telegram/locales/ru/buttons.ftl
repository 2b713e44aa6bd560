# Кнопки. Простой текст. Кнопка говорит, что сделает нажатие.

button-yes = Да, это я
button-no = Нет, не я
button-ask-again = Это я, спросить снова
button-ask-now = Это я, спросите сейчас
button-not-me = Это не я
button-not-me-close = Не я, закрыть
button-mistake = Я нажал(а) по ошибке
button-cancel-request = Отменить запрос
button-request-again = Запросить снова
button-request-access = Запросить доступ
button-choose-account = { $account }, { $router }
button-back = Назад
button-next = Далее
button-cancel = Отмена
button-end-now = Завершить
button-end-account = Завершить { $account }
button-show = Показать
button-extend-hours = { $count ->
        [one] +{ $count } час, до { $until }
        [few] +{ $count } часа, до { $until }
       *[many] +{ $count } часов, до { $until }
    }
button-extend-minutes = +{ $count } мин, до { $until }
button-take-back = Отозвать заявку
button-not-agreed = Это без моего ведома
button-language-time = Язык и время
button-end-everything = Сейчас: завершить всё
button-no-new = Без новых
button-keep-zone = Оставить { $zone }
button-english = English
button-russian = Русский

button-undo-unlock = Отменить: снять блокировку { $account }
button-keep-locked = Оставить
button-unlock = Снять: { $account }
button-unlock-now = Снять сейчас
button-restore-new-link = Вернуть новую
button-go-back-link = Вернуть прежнюю
button-unlink = Отвязать чат
button-approve = Одобрить
button-reject = Отклонить
button-approve-confirm = Одобрить: { $name }
button-approve-with = Одобрить: { $account }
button-approve-none = Одобрить без учётной записи
button-reject-confirm = Отклонить: { $name }
