# Запрос доступа.

card-requested-preparing = Готовлю { $account } на { $router }
    .where = Пожалуйста, пока не подключайтесь.
card-requested-ready = Можно подключаться: { $account }, { $router }
    .where = до { $until } ({ $left })
    .body = Затем откройте этот чат: я спрошу, вы ли это.
card-requested-unreachable = Сейчас нет связи с роутером { $router }
    .where = Запрос для { $account } сохранён до { $until }.
    .body = Подключиться можно будет, когда я напишу «Можно подключаться».
request-choose = { $pages ->
        [1] Какая учётная запись?
       *[other] Какая учётная запись? Страница { $page } из { $pages }
    }
request-exists = Уже есть; смотрите ниже.
request-no-account = У вас пока нет учётной записи. Обратитесь к администратору.
request-refused = { $why ->
        [denied-ban] Учётная запись { $account } заблокирована после ответа «не я»; снять блокировку может только администратор.
        [disabled-on-router] Учётную запись { $account } отключил на роутере администратор.
        [router-removed] Роутер { $router } больше не обслуживается.
        [limit] Открытых сессий уже { $count }, больше нельзя.
       *[suspended] Ваш доступ приостановлен.
    }
ended-never-connected = Запрос для { $account } истёк
    .where = До { $until } подключения не было.
ended-request-cancelled = Запрос для { $account } отменён
