/* Made by tools/p256-base. */
#include "crypto/p256_base.h"

/* clang-format off */
const struct affine p256_base[P256_BASE_MULTIPLES] = {
	/* 1 G */
	{ { { { 0x79e730d418a9143c, 0x75ba95fc5fedb601, 0x79fb732b77622510, 0x18905f76a53755c6 } } },
	  { { { 0xddf25357ce95560a, 0x8b4ab8e4ba19e45c, 0xd2e88688dd21f325, 0x8571ff1825885d85 } } } },
	/* 3 G */
	{ { { { 0xffac3f904eebc127, 0xb027f84a087d81fb, 0x66ad77dd87cbbc98, 0x26936a3fb6ff747e } } },
	  { { { 0xb04c5c1fc983a7eb, 0x583e47ad0861fe1a, 0x788208311a2ee98e, 0xd5f06a29e587cc07 } } } },
	/* 5 G */
	{ { { { 0xbe1b8aaec45c61f5, 0x90ec649a94b9537d, 0x941cb5aad076c20c, 0xc9079605890523c8 } } },
	  { { { 0xeb309b4ae7ba4f10, 0x73c568efe5eb882b, 0x3540a9877e7a1f68, 0x73a076bb2dd1e916 } } } },
	/* 7 G */
	{ { { { 0x0746354ea0173b4f, 0x2bd20213d23c00f7, 0xf43eaab50c23bb08, 0x13ba5119c3123e03 } } },
	  { { { 0x2847d0303f5b9d4d, 0x6742f2f25da67bdd, 0xef933bdc77c94195, 0xeaedd9156e240867 } } } },
	/* 9 G */
	{ { { { 0x75c96e8f264e20e8, 0xabe6bfed59a7a841, 0x2cc09c0444c8eb00, 0xe05b3080f0c4e16b } } },
	  { { { 0x1eb7777aa45f3314, 0x56af7bedce5d45e3, 0x2b6e019a88b12f1a, 0x086659cdfd835f9b } } } },
	/* 11 G */
	{ { { { 0xea7d260a6245e404, 0x9de407956e7fdfe0, 0x1ff3a4158dac1ab5, 0x3e7090f1649c9073 } } },
	  { { { 0x1a7685612b944e88, 0x250f939ee57f61c8, 0x0c0daa891ead643d, 0x68930023e125b88e } } } },
	/* 13 G */
	{ { { { 0xccc425634b2ed709, 0x0e356769856fd30d, 0xbcbcd43f559e9811, 0x738477ac5395b759 } } },
	  { { { 0x35752b90c00ee17f, 0x68748390742ed2e3, 0x7cd06422bd1f5bc1, 0xfbc08769c9e7b797 } } } },
	/* 15 G */
	{ { { { 0x72bcd8b7bc60055b, 0x03cc23ee56e27e4b, 0xee337424e4819370, 0xe2aa0e430ad3da09 } } },
	  { { { 0x40b8524f6383c45d, 0xd766355442a41b25, 0x64efa6de778a4797, 0x2042170a7079adf4 } } } },
	/* 17 G */
	{ { { { 0x97091dcbd53c5c9d, 0xf17624b6ac0a177b, 0xb0f139752cfe2dff, 0xc1a35c0a6c7a574e } } },
	  { { { 0x227d314693e79987, 0x0575bf30e89cb80e, 0x2f4e247f0d1883bb, 0xebd512263274c3d0 } } } },
	/* 19 G */
	{ { { { 0xfea912baa5659ae8, 0x68363aba25e1a16e, 0xb8842277752c41ac, 0xfe545c282897c3fc } } },
	  { { { 0x2d36e9e7dc4c696b, 0x5806244afba977c5, 0x85665e9be39508c1, 0xf720ee256d12597b } } } },
	/* 21 G */
	{ { { { 0x562e4cecc135b208, 0x74e1b2654783f47d, 0x6d2a506c5a3f3b30, 0xecead9f4c16762fc } } },
	  { { { 0xf29dd4b2e286e5b9, 0x1b0fadc083bb3c61, 0x7a75023e7fac29a4, 0xc086d5f1c9477fa3 } } } },
	/* 23 G */
	{ { { { 0xf4f876532de45068, 0x37c7a7e89e2e1f6e, 0xd0825fa2a3584069, 0xaf2cea7c1727bf42 } } },
	  { { { 0x0360a4fb9e4785a9, 0xe5fda49c27299f4a, 0x48068e1371ac2f71, 0x83d0687b9077666f } } } },
	/* 25 G */
	{ { { { 0xa4a319acd837879f, 0x6fc1b49eed6b67b0, 0xe395993332f1f3af, 0x966742eb65432a2e } } },
	  { { { 0x4b8dc9feb4966228, 0x96cc631243f43950, 0x12068859c9b731ee, 0x7b948dc356f79968 } } } },
	/* 27 G */
	{ { { { 0x042c2af497e2feb4, 0xd36a42d7aebf7313, 0x49d2c9eb084ffdd7, 0x9f8aa54b2ef7c76a } } },
	  { { { 0x9200b7ba09895e70, 0x3bd0c66fddb7fb58, 0x2d97d10878eb4cbb, 0x2d431068d84bde31 } } } },
	/* 29 G */
	{ { { { 0x5e5db46acb66e132, 0xf1be963a0d925880, 0x944a70270317b9e2, 0xe266f95948603d48 } } },
	  { { { 0x98db66735c208899, 0x90472447a2fb18a3, 0x8a966939777c619f, 0x3798142a2a3be21b } } } },
	/* 31 G */
	{ { { { 0xe2f73c696755ff89, 0xdd3cf7e7473017e6, 0x8ef5689d3cf7600d, 0x948dc4f8b1fc87b4 } } },
	  { { { 0xd9e9fe814ea53299, 0x2d921ca298eb6028, 0xfaecedfd0c9803fc, 0xf38ae8914d7b4745 } } } },
	/* 33 G */
	{ { { { 0x871514560f664534, 0x85ceae7c4b68f103, 0xac09c4ae65578ab9, 0x33ec6868f044b10c } } },
	  { { { 0x6ac4832b3a8ec1f1, 0x5509d1285847d5ef, 0xf909604f763f1574, 0xb16c4303c32f63c4 } } } },
	/* 35 G */
	{ { { { 0xfd16847fdec67ef5, 0x742ee464233e76b7, 0x0b8e4134efc2b4c8, 0xca640b8642a3e521 } } },
	  { { { 0x653a01908ceb6aa9, 0x313c300c547852d5, 0x24e4ab126b237af7, 0x2ba901628bb47af8 } } } },
	/* 37 G */
	{ { { { 0x00467bc58cce08b5, 0xb636458c7f178d55, 0xc5748baea677d806, 0x2763a387dfa394eb } } },
	  { { { 0xa12b448a7d3cebb6, 0xe7adda3e6f20d850, 0xf63ebce51558462c, 0x58b36143620088a8 } } } },
	/* 39 G */
	{ { { { 0xa9d89488a059c142, 0x6f5ae714ff0b9346, 0x068f237d16fb3664, 0x5853e4c4363186ac } } },
	  { { { 0xe2d87d2363c52f98, 0x2ec4a76681828876, 0x47b864fae14e7b1c, 0x0c0bc0e569192408 } } } },
	/* 41 G */
	{ { { { 0x624d60492ed22e91, 0x6fdfe0b56f072822, 0xeeca111539ce2271, 0x98100a4fdb01614f } } },
	  { { { 0xb6b0daa2a35c628f, 0xb6f94d2ec87e9a47, 0xc67732591d57d9ce, 0xf70bfeec03884a7b } } } },
	/* 43 G */
	{ { { { 0x4ff23ffd248a7d06, 0x80c5bfb4878873fa, 0xb7d9ad9005745981, 0x179c85db3db01994 } } },
	  { { { 0xba41b06261a6966c, 0x4d82d052eadce5a8, 0x9e91cd3ba5e6a318, 0x47795f4f95b2dda0 } } } },
	/* 45 G */
	{ { { { 0x1ee426ccd5cd79bf, 0x0032940b946c6e18, 0x1b1e8ae057477f58, 0xe94f7d346d823278 } } },
	  { { { 0xc747cb96782ba21a, 0xc5254469f72b33a5, 0x772ef6dec7f80c81, 0xd73acbfe2cd9e6b5 } } } },
	/* 47 G */
	{ { { { 0x283c7513caa76097, 0x0a624fa936c83906, 0x6b20afec715af2c7, 0x4b969974eba78bfd } } },
	  { { { 0x220755ccd921d60e, 0x9b944e107baeca13, 0x04819d515ded93d4, 0x9bbff86e6dddfd27 } } } },
	/* 49 G */
	{ { { { 0x21950b421ff6acd3, 0xffe7048453dc6909, 0xff4cd0b228766127, 0xabdbe6084fb7db2b } } },
	  { { { 0x837c92285e1109e8, 0x26147d27f4645b5a, 0x4d78f592f7818ed8, 0xd394077ef247fa36 } } } },
	/* 51 G */
	{ { { { 0x508cec1c3b3f64c9, 0xe20bc0ba1e5edf3f, 0xda1deb852f4318d4, 0xd20ebe0d5c3fa443 } } },
	  { { { 0x370b4ea773241ea3, 0x61f1511c5e1a5f65, 0x99a5e23d82681c62, 0xd731e383a2f54c2d } } } },
	/* 53 G */
	{ { { { 0x97359638546c4d8d, 0x5f9c3fc492f24679, 0x912e8beda8c8acd9, 0xec3a318d306634b0 } } },
	  { { { 0x80167f41c31cb264, 0x3db82f6f522113f2, 0xb155bcd2dcafe197, 0xfba1da5943465283 } } } },
	/* 55 G */
	{ { { { 0x258bbbf9e7305683, 0x31eea5bf07ef5be6, 0x0deb0e4a46c814c1, 0x5cee8449a7b730dd } } },
	  { { { 0xeab495c5a0182bde, 0xee759f879e27a6b4, 0xc2cf6a6880e518ca, 0x25e8013ff14cf3f4 } } } },
	/* 57 G */
	{ { { { 0x3ec832e77acaca28, 0x1bfeea57c7385b29, 0x068212e3fd1eaf38, 0xc13298306acf8ccc } } },
	  { { { 0xb909f2db2aac9e59, 0x5748060db661782a, 0xc5ab2632c79b7a01, 0xda44c6c600017626 } } } },
	/* 59 G */
	{ { { { 0x69d44ed65c46aa8e, 0x2100d5d3a8d063d1, 0xcb9727eaa2d17c36, 0x4c2bab1b8add53b7 } } },
	  { { { 0xa084e90c15426704, 0x778afcd3a837ebea, 0x6651f7017ce477f8, 0xa062499846fb7a8b } } } },
	/* 61 G */
	{ { { { 0x3667eb1a7f4c04cc, 0x59556621a9404f84, 0x71cdf6537eceb50a, 0x994a44a69b8335fa } } },
	  { { { 0xd7faf819dbeb9b69, 0x473c5680eed4350d, 0xb6658466da44bba2, 0x0d1bc780872bdbf3 } } } },
	/* 63 G */
	{ { { { 0xb8d3d9319ff91fe5, 0x039c4800f0518eed, 0x95c376329182cb26, 0x0763a43482fc568d } } },
	  { { { 0x707c04d5383e76ba, 0xac98b930824e8197, 0x92bf7c8f91230de0, 0x90876a0140959b70 } } } },
	/* 65 G */
	{ { { { 0xdc2306ebfcdbb2b2, 0x79527db7ba66f4b9, 0xbf639ed67765765e, 0x01628c4706b6090a } } },
	  { { { 0x66eb62f1b957b4a1, 0x33cb7691ba659f46, 0x2c90d98cf3e055d6, 0x7d096ac42f174750 } } } },
	/* 67 G */
	{ { { { 0x86f04d3b51f9c391, 0xc16d0c52a48a4ddd, 0xfc88362a891ea186, 0xe8218ad07de96a54 } } },
	  { { { 0x2c735ac12f33af7a, 0x05af456a06620ae8, 0xde3ec728c30a96a0, 0xfd59d7eb9a8f62d9 } } } },
	/* 69 G */
	{ { { { 0x9e5da11cc5e79347, 0x87986a54361bfe25, 0xc856868891e9ae09, 0x49d3ad05548efa2a } } },
	  { { { 0x987b0687f4eb5cf6, 0x9bea0d0f2655d14f, 0x2126ac553a8dd126, 0x6d37b1fa546fbecc } } } },
	/* 71 G */
	{ { { { 0xf19f382e92aa7864, 0x49c7cb94fc05804b, 0xf94aa89b40750d01, 0xdd421b5d4a210364 } } },
	  { { { 0x56cd001e39df3672, 0x030a119fdd4af1ec, 0x11f947e696cd0572, 0x574cc7b293786791 } } } },
	/* 73 G */
	{ { { { 0xae8f8fe1eeb03d1a, 0x2b34a7dc096fb852, 0x794922ef17e29b1a, 0xb2dacdf66ef82fce } } },
	  { { { 0xdb8dcc81f42911ee, 0xb871ba63e405ca09, 0xa66d92525e82d5b3, 0xc39725521af82878 } } } },
	/* 75 G */
	{ { { { 0x616d2c02fb760095, 0xcfa8ca0e2a7aa6ab, 0xf123716223af72e0, 0xa22f8fbea42fd1f6 } } },
	  { { { 0x5072758b78f3d040, 0x7be19f0ded4437a8, 0xe79807a770456a7e, 0x24a1bde1d0c2302d } } } },
	/* 77 G */
	{ { { { 0x0a2193bfc266f85c, 0x719a87be5a0ec9ce, 0x9c30c6422b2f9c49, 0xdb15e4963d5baeb1 } } },
	  { { { 0x83c3139be0d37321, 0x4788522b2e9fdbb2, 0x2b4f0c7877eb94ea, 0x854dc9d595105f9e } } } },
	/* 79 G */
	{ { { { 0xa40206d330ff0e92, 0xdd306e2a05176f8b, 0x58f6428165f89e14, 0x5ed556aae89327fc } } },
	  { { { 0xc2b1870af8321bb8, 0x097a54ff99227b16, 0xd07370c450128375, 0xb75df5ec191a421f } } } },
	/* 81 G */
	{ { { { 0xd3a5d81fc63d5e79, 0x8e9d0af402ba3183, 0xb097c711165c6e4c, 0xe0beeb1aebff18d3 } } },
	  { { { 0xfe657f130801937b, 0xa02dbc426fe5b29d, 0xcbdbfdb9cf290d1f, 0x7acf4419e85bc145 } } } },
	/* 83 G */
	{ { { { 0x2c9ee62dc3363a22, 0x125d4714ec67199a, 0xf87abebf2ab80485, 0xcf3086e87a243ca4 } } },
	  { { { 0x5c52b051c64e09dd, 0x5e9b16125625aad7, 0x0536a39db19c6126, 0x97f0013247b64be5 } } } },
	/* 85 G */
	{ { { { 0x3646b0dd7e1ee314, 0xef617e0025af7677, 0x36bf2f65ea65641a, 0xabfc8457b5e11eff } } },
	  { { { 0x998dfac18f1192b6, 0xce91ee270142811b, 0xbb0066ae1f282369, 0x159751e2e1cbaebe } } } },
	/* 87 G */
	{ { { { 0x516329ff7b4d8b2c, 0xb856664a2d4b409b, 0x041252997f6b0670, 0x2bd0204360826caa } } },
	  { { { 0x010e522661ddbcb1, 0xcd07bc34c235d56c, 0xa8f439ab06e58e3e, 0xaf490825d5cff157 } } } },
	/* 89 G */
	{ { { { 0xc1ee6264a7eabe67, 0x62d51e29fd54487d, 0x3ea123446310eb5a, 0xbd88aca74765b805 } } },
	  { { { 0xb7b284be14fb691a, 0x640388f83b9fffef, 0x7ab49dd209f98f9a, 0x7150f87e7211e445 } } } },
	/* 91 G */
	{ { { { 0xd81ad9386982f865, 0x27113bb4ae6a94b8, 0x4a39f02bbedd4f47, 0x0211de8fd5692705 } } },
	  { { { 0xd587138c63c92f69, 0x2354719f6237fc68, 0xfa8a5b9b0b46a59f, 0x4a70abf75c554ed3 } } } },
	/* 93 G */
	{ { { { 0x64cfdc70d9453d29, 0x0aeaca9afd36b1af, 0x4a278686e1639607, 0x0581b4711fdf2498 } } },
	  { { { 0x82290e253d61f6d2, 0x20b021c3df219dc5, 0xff6c1a78f9a2852f, 0x435ac466954ffbb3 } } } },
	/* 95 G */
	{ { { { 0x263e039bb308cc40, 0x6684ad762b346fd2, 0x9a127f2bcaa12d0d, 0x76a8f9fea974291f } } },
	  { { { 0xc802049b68aa19e4, 0x65499c990c5dbba0, 0xee1b1cb5344455a1, 0x3f293fda2cd6f439 } } } },
	/* 97 G */
	{ { { { 0xdc90323bafceb64d, 0xda8cdb78397e43f4, 0xee848e1d2566805e, 0xf1ae5380578181c7 } } },
	  { { { 0x2dc7b8e69c70c77c, 0x85f4d9c45b68b7e7, 0x84577f1f3260b767, 0x1fbd470f53cf3e69 } } } },
	/* 99 G */
	{ { { { 0x2d037bf83f9432b4, 0xb1f1abb66a7b4371, 0x650522fd4a9a3b17, 0xbc438ae1a4e65b07 } } },
	  { { { 0x31b57ea284693c04, 0x7ab58a3f75503e46, 0x03a3c2c7b98ff4b3, 0x4a673fe054fcd65a } } } },
	/* 101 G */
	{ { { { 0xb7a96e0a4ea6fdf7, 0xbbe914d3b99cd026, 0x6a610374c569a602, 0xe9b1c23914da499e } } },
	  { { { 0xb5f6f0feadc19a99, 0x731251826f21687c, 0x5a8a14644be77793, 0x94ce9e0adba8bfc7 } } } },
	/* 103 G */
	{ { { { 0x564bdda6c71f8d02, 0xd0a875e919f7f72c, 0x57670e41bf619241, 0xf51ec8724c3c386f } } },
	  { { { 0x00aec19ee8bf7d17, 0x5df79360286166f3, 0xa6fae60930a4f924, 0x1429b1f8ae1d3ed8 } } } },
	/* 105 G */
	{ { { { 0xde6ddcb77b371390, 0xcb11125c02a9ba44, 0xc08ec1602b1d28fd, 0x680d5abf65e03a86 } } },
	  { { { 0xd5ec7bbbf5327839, 0xc87057ca3bce7fe5, 0x4e346db071cbfc97, 0xd3d6d111ee9e512f } } } },
	/* 107 G */
	{ { { { 0x2ca0ba9c3796f4c7, 0x3571e4d1592ce334, 0x28f9cdebe9f6e877, 0xee206023efce1a70 } } },
	  { { { 0xb2159e08b76369dc, 0x2754e4260a7f687c, 0xe008039e02de2ff1, 0xccd7e9418ea700c1 } } } },
	/* 109 G */
	{ { { { 0xaec63acbdd10edd0, 0xfd4f61e491ae8d13, 0xe7b092174df861f4, 0x3720b2475548de20 } } },
	  { { { 0xaf419847ebf3df78, 0xe7229d8956cd660d, 0x0cd622baeb879899, 0x5fdaee391cab12c7 } } } },
	/* 111 G */
	{ { { { 0xd87f4ae086653aa8, 0x327dac318072f08d, 0x098f37bb0832c416, 0x0cf804d77a9b6a20 } } },
	  { { { 0x4b9c5438a67e2173, 0x1cc0d4cea23afa67, 0x270adcc57148b135, 0xf9af0acd904d4731 } } } },
	/* 113 G */
	{ { { { 0xa125e6c1b7ebcb88, 0x3289e86e10ec0d40, 0xcc3a5ecb98353869, 0x734e0d078a2b0d3a } } },
	  { { { 0xe0d92e9a51933360, 0xfa6bcdb1786076b9, 0xd13cca90747f19ec, 0x61d8209d49f3a53d } } } },
	/* 115 G */
	{ { { { 0xad19e039119f6cab, 0xf15b920fa8dfce56, 0x8a2627c4851b5bc7, 0x7c3ff661d8ecca6e } } },
	  { { { 0xb9dd2bf2d5f5b5bf, 0x56b76c57baa43b27, 0xdc8df855fe2f4937, 0xe95dd9d8889821b2 } } } },
	/* 117 G */
	{ { { { 0x08e4c4901b620dc4, 0x55a3bb1ad9699e92, 0x7890e8d547968833, 0xbbdbec7d79af29b1 } } },
	  { { { 0x92750de73e51e1bc, 0x50cf6d11ad91a350, 0x9dc33392fa67285c, 0x2cdf7f854480ffe3 } } } },
	/* 119 G */
	{ { { { 0x87af199e6cc47305, 0x062afb7c1e314dde, 0x2be22ba0f3a49fb4, 0x6ed0b988157b7f56 } } },
	  { { { 0x8162cf502d653fd9, 0x17d29c64877b7497, 0xd7e814380f67b514, 0xfedf1014fe6ee703 } } } },
	/* 121 G */
	{ { { { 0x14d7251a8c03e3f4, 0xd71602d5b0e5fe20, 0x27d2bf4f683b30d1, 0xe1a8d418f77f10e1 } } },
	  { { { 0xa4941a1e76a0ead7, 0xff318484da0a4996, 0xaaf4d4e193394872, 0xae839cd80e99505c } } } },
	/* 123 G */
	{ { { { 0x62ea859803b58b02, 0x5a71497198a5ea8c, 0x1783d1b6917e4725, 0x2d7ca4d8f1e35487 } } },
	  { { { 0x3f69b4d49b4d4324, 0xda04cc898e17ff54, 0x5870726c16e3e02a, 0xaeb9041c69e788c5 } } } },
	/* 125 G */
	{ { { { 0xaab54cfc93740130, 0xf72dab6d225733fa, 0x04b76d2d1ed32559, 0xa9fe2396bb85b9cb } } },
	  { { { 0x128b0d24bf2219f0, 0x2292393b579f3ce2, 0x51dc5fac145ff0d5, 0xb16d6af8c3febbc1 } } } },
	/* 127 G */
	{ { { { 0x36e84bb6dee35b41, 0x70e9016cdddfd928, 0x6072a061ae619f28, 0x15fe6a86904a36cf } } },
	  { { { 0x9ab6968bf6005965, 0xfd1c4a970ad602d0, 0xd0a8879244f403f2, 0x76759223abe3c14b } } } },
};
/* clang-format on */
