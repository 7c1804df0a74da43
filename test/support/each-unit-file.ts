import { setClock } from './clock'
import { waitPatiently } from './patience'

setClock()
waitPatiently()
