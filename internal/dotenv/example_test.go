package dotenv_test

import (
	"fmt"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
)

func ExampleFile_Set() {
	f, err := dotenv.Parse([]byte("# database\nexport DB_URL='postgres://h/db' # staging\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, value := range map[string]string{"DB_URL": "postgres://h/other", "PASSWORD": "it's # ${secret}"} {
		if err := f.Set(key, value); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Printf("%s", f.Bytes())
	// Output:
	// # database
	// export DB_URL=postgres://h/other # staging
	// PASSWORD="it's # ${:-$}{secret}"
}
