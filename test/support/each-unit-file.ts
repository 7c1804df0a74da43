import { setClock } from './clock'

setClock()
